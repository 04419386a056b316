//! Where the network runs: the CPU (burn's flex) or a GPU through wgpu, and how `auto` chooses.

use std::path::Path;
#[cfg(feature = "wgpu")]
use std::time::{Duration, Instant};

use burn::tensor::Device;

use crate::model::card::ModelError;
use crate::model::predictor::Predictor;
#[cfg(feature = "wgpu")]
use crate::model::predictor::Window;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A real GPU if it beats the CPU on this network, now; else the CPU.
    Auto,
    Cpu,
    Wgpu,
}

/// A predictor that has run once, and where it runs.
pub struct Loaded {
    pub predictor: Predictor,
    pub gpu: bool,
    /// What was chosen and why, for the log.
    pub reason: String,
}

#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(
        "--backend wgpu was asked for, but {reason}; \
         install a Vulkan driver or use --backend auto or cpu"
    )]
    NoGpu { reason: String },
    #[error(
        "--backend cuda was asked for, but burn's CUDA backend downloads a compiler when it is \
         built, so it is not built in; --backend wgpu takes NVIDIA GPUs too, through Vulkan"
    )]
    NoCuda,
    #[error("--backend {backend:?} is none to train on; there are cpu and wgpu")]
    Unknown { backend: String },
}

/// Loads the model in `folder` and runs it once on the device chosen.
pub fn load(folder: &Path, choice: Choice) -> Result<Loaded, BackendError> {
    match choice {
        Choice::Cpu => Ok(on_cpu(folder, "the CPU was asked for".to_owned())?),
        Choice::Wgpu => on_gpu(folder),
        Choice::Auto => faster(folder),
    }
}

/// Where a training keeps its tensors: `cpu`, or `wgpu`, the GPU that inference would take.
pub fn training_device(backend: &str) -> Result<Device, BackendError> {
    match backend {
        "cpu" => Ok(Device::flex()),
        #[cfg(feature = "wgpu")]
        "wgpu" => {
            let gpu = gpu::open().map_err(|reason| BackendError::NoGpu { reason })?;
            if gpu.software {
                log::warn!("{} is no GPU but software: slower than --backend cpu", gpu.name);
            }
            Ok(gpu.device)
        }
        #[cfg(not(feature = "wgpu"))]
        "wgpu" => on_gpu(Path::new("")).map(|_| Device::flex()),
        "cuda" => Err(BackendError::NoCuda),
        _ => Err(BackendError::Unknown { backend: backend.to_owned() }),
    }
}

fn on_cpu(folder: &Path, reason: String) -> Result<Loaded, ModelError> {
    let predictor = Predictor::load(folder, &Device::flex())?;
    predictor.warm_up();
    Ok(Loaded { predictor, gpu: false, reason })
}

/// Median time of an answer about the longest window, one hop after the other.
#[cfg(feature = "wgpu")]
fn inference_time(predictor: &Predictor) -> Duration {
    const RUNS: usize = 15;
    let card = predictor.card();
    let (rule, hop) = (card.window_rule(), card.hop_feature_frames().max(1));
    let width = card.features.rows();
    let features = vec![0.0; (rule.rows_max() + RUNS * hop) * width];
    let mut stream = predictor.stream();
    let mut times: Vec<Duration> = (0..RUNS)
        .filter_map(|run| {
            let window = rule.window(0..(rule.longest + run * hop) as u64)?;
            let [first, end] = [window.start, window.end].map(|row| usize::try_from(row).ok());
            let rows = &features[first? * width..end? * width];
            let begun = Instant::now();
            match &mut stream {
                Some(stream) => stream.predict(Window { rows, start: window.start }),
                None => predictor.answer(rows, rows.len() / width),
            };
            Some(begun.elapsed())
        })
        .collect();
    times.sort_unstable();
    times[RUNS / 2]
}

#[cfg(not(feature = "wgpu"))]
fn on_gpu(_: &Path) -> Result<Loaded, BackendError> {
    Err(BackendError::NoGpu { reason: "this build has no wgpu (cargo feature wgpu)".to_owned() })
}

#[cfg(not(feature = "wgpu"))]
fn faster(folder: &Path) -> Result<Loaded, BackendError> {
    Ok(on_cpu(folder, "this build has no GPU backend".to_owned())?)
}

#[cfg(feature = "wgpu")]
fn on_gpu(folder: &Path) -> Result<Loaded, BackendError> {
    let gpu = gpu::open().map_err(|reason| BackendError::NoGpu { reason })?;
    let begun = Instant::now();
    let predictor = Predictor::load(folder, &gpu.device)?;
    predictor.warm_up();
    let seconds = begun.elapsed().as_secs_f32();
    let reason = format!("wgpu was asked for: {}, warm after {seconds:.1} s", gpu.name);
    Ok(Loaded { predictor, gpu: true, reason })
}

#[cfg(feature = "wgpu")]
fn faster(folder: &Path) -> Result<Loaded, BackendError> {
    let gpu = match gpu::open() {
        Ok(gpu) if gpu.software => {
            let reason = format!("{} is no GPU but software", gpu.name);
            return Ok(on_cpu(folder, reason)?);
        }
        Ok(gpu) => gpu,
        Err(reason) => return Ok(on_cpu(folder, reason)?),
    };
    let mut cpu = on_cpu(folder, String::new())?;
    let on_gpu = Predictor::load(folder, &gpu.device)?;
    on_gpu.warm_up();
    let times = [inference_time(&on_gpu), inference_time(&cpu.predictor)];
    let figures = format!("{}: {:.1?}, CPU: {:.1?}", gpu.name, times[0], times[1]);
    if times[0] < times[1] {
        let reason = format!("the GPU is faster ({figures})");
        return Ok(Loaded { predictor: on_gpu, gpu: true, reason });
    }
    cpu.reason = format!("the CPU is faster ({figures})");
    Ok(cpu)
}

#[cfg(feature = "wgpu")]
mod gpu {
    //! Looks for an adapter before burn does: burn panics later where none is found, and would
    //! take OpenGL, which hangs for half a minute on machines without a GPU.

    use std::sync::OnceLock;

    use burn::tensor::Device;
    use burn_wgpu::WgpuBackend;
    use burn_wgpu::wgpu::{AdapterInfo, Backend, Backends, DeviceType, Instance};

    #[derive(Clone)]
    pub struct Gpu {
        pub device: Device,
        pub name: String,
        /// Mesa's lavapipe and its like: right, but slower than the CPU itself.
        pub software: bool,
    }

    /// The adapter that wgpu will take: hardware first.
    fn adapter() -> Result<AdapterInfo, String> {
        let backends = Backends::VULKAN | Backends::METAL | Backends::DX12;
        let mut descriptor = burn_wgpu::wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = backends;
        let adapters = pollster::block_on(Instance::new(descriptor).enumerate_adapters(backends));
        let infos: Vec<AdapterInfo> = adapters.iter().map(|adapter| adapter.get_info()).collect();
        let hardware = infos.iter().find(|info| info.device_type != DeviceType::Cpu);
        hardware
            .or(infos.first())
            .cloned()
            .ok_or_else(|| "this machine has no Vulkan, Metal or DirectX 12 adapter".to_owned())
    }

    /// The one GPU of the process; its runtime can be set up once only.
    pub fn open() -> Result<Gpu, String> {
        static GPU: OnceLock<Result<Gpu, String>> = OnceLock::new();
        GPU.get_or_init(|| {
            let info = adapter()?;
            let backend = match info.backend {
                Backend::Metal => WgpuBackend::Metal,
                Backend::Dx12 => WgpuBackend::Dx12,
                _ => WgpuBackend::Vulkan,
            };
            let device = Device::wgpu_options()
                .graphics_api(backend)
                .init()
                .map_err(|error| format!("{} does not open: {error}", info.name))?;
            let software = info.device_type == DeviceType::Cpu;
            Ok(Gpu { device, name: info.name, software })
        })
        .clone()
    }
}
