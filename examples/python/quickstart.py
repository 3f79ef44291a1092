"""The quick start of the README."""

import netns

with netns.Controller(from_env=True) as controller:
    for subnet in controller.create_network("demo", ipv6=True).subnets:
        print(f"demo has {subnet.subnet}")  # chosen: no other network, no route of the host is there

    with controller.create_sandbox("web") as sandbox:  # `ip netns list` shows it
        print(controller.plan_connect("demo", sandbox, "web"))  # a dry run; its addresses are chosen too
        controller.connect("demo", sandbox, "web")  # eth0 is up, with addresses and default routes
        print(f"{sandbox.path} has {sandbox.interfaces()[0].name}")
        sandbox.run(["ping", "-c1", str(sandbox.info().gateway)], check=True)  # inside
    controller.delete_network("demo")  # the sandbox and its endpoint are gone
