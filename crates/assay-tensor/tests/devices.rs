use assay_tensor::{Backend, DeviceError, available, device};

#[test]
fn names_that_nobody_has() {
    for spec in [
        "",
        " flex",
        "flex ",
        "Flex",
        "CUDA",
        "gpu",
        ":",
        ":0",
        "flex,cuda",
        "ﬂex",
        "флекс",
        "🦀:1",
    ] {
        match device(spec) {
            Err(DeviceError::Unknown { spec: named }) => assert_eq!(named, spec),
            other => panic!("{spec:?}: {other:?}"),
        }
    }
    let message = device(" flex").unwrap_err().to_string();
    assert_eq!(
        message,
        "device \" flex\": no such backend, known are flex, ndarray, wgpu and cuda"
    );
}

#[test]
fn indices_that_are_none() {
    let huge = format!("cuda:{}", "9".repeat(40));
    for spec in
        ["cuda:", "cuda:x", "wgpu:-1", "flex:+0", "flex: 0", "flex:0 ", "cuda:0:0", "flex:٣", &huge]
    {
        match device(spec) {
            Err(DeviceError::BadIndex { spec: named, index }) => {
                assert_eq!(named, spec);
                assert_eq!(index, spec.split_once(':').unwrap().1);
            }
            other => panic!("{spec:?}: {other:?}"),
        }
    }
}

#[test]
fn backends_that_this_build_lacks() {
    for backend in Backend::ALL.into_iter().filter(|backend| !backend.is_compiled()) {
        for spec in [backend.to_string(), format!("{backend}:99")] {
            let error = device(&spec).unwrap_err();
            assert_eq!(error, DeviceError::NotCompiled { backend });
            assert!(error.to_string().contains(&format!("the Cargo feature \"{backend}\"")));
        }
    }
}

#[test]
fn a_gpu_is_a_device_or_an_error_value() {
    for backend in [Backend::Wgpu, Backend::Cuda].into_iter().filter(|b| b.is_compiled()) {
        match device(backend.name()) {
            Ok(gpu) => {
                // It was promised to work.
                let sum = assay_tensor::burn::prelude::Tensor::<1>::from_floats([1.5], &gpu) + 1.0;
                assert_eq!(sum.try_into_scalar::<f32>().unwrap(), 2.5);
                let error = device(&format!("{backend}:99")).unwrap_err();
                assert!(matches!(error, DeviceError::OutOfRange { index: 99, .. }), "{error}");
            }
            Err(DeviceError::Unavailable { backend: named, reason }) => {
                assert_eq!(named, backend);
                assert!(!reason.is_empty());
                assert!(device(&format!("{backend}:99")).is_err());
            }
            Err(other) => panic!("{backend}: {other}"),
        }
    }
}

#[cfg(feature = "flex")]
#[test]
fn the_cpu_is_one_device() {
    assert_eq!(device("flex").unwrap(), device("flex:0").unwrap());
    let error = device("flex:7").unwrap_err();
    assert_eq!(error, DeviceError::OutOfRange { backend: Backend::Flex, index: 7, count: 1 });
    assert_eq!(error.to_string(), "device \"flex:7\": expected an index below 1, got 7");
}

#[test]
fn what_is_available_is_what_succeeds() {
    let specs = available();
    assert_eq!(specs, available());
    for spec in &specs {
        assert!(device(spec).is_ok(), "{spec}");
    }
    for backend in Backend::ALL {
        let listed = specs.iter().any(|spec| spec.split(':').next() == Some(backend.name()));
        assert_eq!(listed, device(backend.name()).is_ok(), "{backend}");
    }
}

/// Where a machine is known to have a device (CI's software Vulkan), its absence is a failure and not
/// a test the shorter: `ASSAY_TEST_DEVICES=flex,wgpu`.
#[test]
fn what_the_environment_promises_is_there() {
    let promised = std::env::var("ASSAY_TEST_DEVICES").unwrap_or_default();
    for spec in promised.split(',').filter(|spec| !spec.is_empty()) {
        if let Err(error) = device(spec) {
            panic!("ASSAY_TEST_DEVICES={promised}: {error}");
        }
    }
}

#[test]
fn threads_may_ask_at_once() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| Backend::ALL.map(|backend| device(backend.name()).is_ok()));
        }
    });
}
