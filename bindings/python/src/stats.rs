//! Counters, read without a system call.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use netns::stats::{Counters, MeterOptions, Rate, Reading, SlotId};
use netns::InterfaceName;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::boundary::{detached, Text};

/// Words of a row of a snapshot.
const ROW: usize = 8;

/// The counters of this host.
#[pyclass(frozen, module = "netns._netns")]
pub(crate) struct Meter(Arc<netns::stats::Meter>);

impl From<Arc<netns::stats::Meter>> for Meter {
    fn from(meter: Arc<netns::stats::Meter>) -> Self {
        Self(meter)
    }
}

type Words = (u64, u64, u64, u64);

fn words(counters: Counters) -> Words {
    (counters.rx_bytes, counters.rx_packets, counters.tx_bytes, counters.tx_packets)
}

/// Rows of [`ROW`] words in this machine's byte order: slot, life, digest, index, and the four counters.
fn rows<'py>(py: Python<'py>, readings: &[Reading]) -> PyResult<Bound<'py, PyBytes>> {
    let row_bytes = ROW * size_of::<u64>();
    PyBytes::new_with(py, readings.len() * row_bytes, |all| {
        for (row, reading) in all.chunks_exact_mut(row_bytes).zip(readings) {
            let (rx_bytes, rx_packets, tx_bytes, tx_packets) = words(reading.counters);
            let (id, owner) = (reading.id, reading.owner);
            let values: [u64; ROW] = [
                id.slot.into(),
                id.life,
                owner.digest,
                owner.index.into(),
                rx_bytes,
                rx_packets,
                tx_bytes,
                tx_packets,
            ];
            for (word, value) in row.chunks_exact_mut(size_of::<u64>()).zip(values) {
                word.copy_from_slice(&value.to_ne_bytes());
            }
        }
        Ok(())
    })
}

/// The counters of all interfaces at one time.
#[pyclass(frozen, module = "netns._netns")]
pub(crate) struct Snapshot(netns::stats::Snapshot);

/// A slot, its life, and what happened a second.
type Rates = (u16, u64, (f64, f64, f64, f64));

#[pymethods]
impl Snapshot {
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        rows(py, &self.0.readings)
    }

    fn rates_since(&self, earlier: &Self) -> Vec<Rates> {
        let rates = self.0.rates_since(&earlier.0).into_iter();
        let shown = |(id, rate): (SlotId, Rate)| {
            (id.slot, id.life, (rate.rx_bytes, rate.rx_packets, rate.tx_bytes, rate.tx_packets))
        };
        rates.map(shown).collect()
    }
}

/// Counters for whoever may open their pins.
#[pyclass(frozen, module = "netns._netns")]
pub(crate) struct MeterReader(Mutex<netns::stats::MeterReader>);

impl MeterReader {
    fn lock(&self) -> MutexGuard<'_, netns::stats::MeterReader> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl MeterReader {
    #[staticmethod]
    #[allow(clippy::needless_pass_by_value, reason = "it comes from Python")]
    fn open(py: Python<'_>, directory: PathBuf) -> PyResult<Self> {
        detached(py, || netns::stats::MeterReader::open(&directory)).map(|reader| Self(Mutex::new(reader)))
    }

    fn refresh(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, || self.lock().refresh())
    }

    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let snapshot = py.detach(|| self.lock().snapshot());
        rows(py, &snapshot.readings)
    }

    fn read_all(&self, py: Python<'_>) -> Snapshot {
        Snapshot(py.detach(|| self.lock().snapshot()))
    }
}

#[pymethods]
impl Meter {
    #[staticmethod]
    #[allow(clippy::needless_pass_by_value, reason = "it comes from Python")]
    fn open(py: Python<'_>, directory: PathBuf, slots: u16) -> PyResult<Self> {
        let options = MeterOptions::default().in_directory(&directory).with_slots(slots);
        detached(py, || netns::stats::Meter::open(&options)).map(|meter| Self(Arc::new(meter)))
    }

    fn slots(&self) -> u16 {
        self.0.slots()
    }

    fn read(&self, slot: u16, life: u64) -> Option<Words> {
        self.0.read(SlotId::new(slot, life)).map(words)
    }

    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        rows(py, &self.0.snapshot().readings)
    }

    fn read_all(&self) -> Snapshot {
        Snapshot(self.0.snapshot())
    }

    /// Namespace, index, mark, digest, and whether the link is inside.
    fn owner(&self, slot: u16, life: u64) -> Option<(u64, u32, u32, u64, bool)> {
        let owner = self.0.owner(SlotId::new(slot, life))?;
        Some((owner.namespace, owner.index, owner.mark, owner.digest, owner.inside))
    }

    fn attach(&self, py: Python<'_>, link: Text<'_>) -> PyResult<(u16, u64)> {
        detached(py, || self.0.attach(&InterfaceName::new(&link)?)).map(|id| (id.slot, id.life))
    }

    fn detach(&self, py: Python<'_>, link: Text<'_>) -> PyResult<()> {
        detached(py, || self.0.detach(&InterfaceName::new(&link)?))
    }

    fn release(&self, py: Python<'_>, slot: u16, life: u64) -> PyResult<()> {
        detached(py, || self.0.release(SlotId::new(slot, life)))
    }
}
