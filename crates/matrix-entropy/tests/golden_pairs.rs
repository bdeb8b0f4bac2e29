//! The golden cases of two matrices.

use assay_score::Mergeable;
use matrix_entropy::accumulate::CkaMoments;
use matrix_entropy::pair::{
    Debias, Kernel, MiniBatchCka, cka_of_kernels, dime_with_permutations, hsic_biased,
    hsic_unbiased, information, jensen_shannon, matrix_cross_entropy, matrix_kl, second_moment,
};
use matrix_entropy::{Center, Conventions, RowNorm, Spectrum, layers, pair};
use ndarray::{Array2, Array3, ArrayView2, Axis, Slice, s};

use crate::common::{Case, generated, matrix, numbers, order, whole};

fn rbf(case: &Case<'_>, x: &Array2<f64>, sigma: &str) -> Array2<f64> {
    let sigma = case.input(sigma).as_f64().expect("a width");
    Kernel::Rbf { sigma }.matrix(x.view()).unwrap()
}

pub(crate) fn mutual_information(case: &Case<'_>) {
    let (x, y) = (matrix(case.input("X")), matrix(case.input("Y")));
    let kernel = case.input("kernel").as_str().expect("a kernel");
    let (k, l) = match kernel {
        "exp(-|x-y|^2/(2 sigma^2))" => (rbf(case, &x, "sigma_x"), rbf(case, &y, "sigma_y")),
        "centered cosine Gram (paper normalisation)" => {
            let kernel = Kernel::Cosine(Center::Mean);
            (kernel.matrix(x.view()).unwrap(), kernel.matrix(y.view()).unwrap())
        }
        other => panic!("the kernel {other} is not known here"),
    };
    for (text, want) in case.0["expected"].as_object().expect("orders") {
        if text == "Hxy_khatri_rao_cov" {
            // The joint kernel is the Gram matrix of the row-wise products of all features.
            let unit = |x: &Array2<f64>| {
                let c = x - &x.mean_axis(Axis(0)).expect("rows");
                let lengths = c.map_axis(Axis(1), |row| row.dot(&row).sqrt());
                c / lengths.insert_axis(Axis(1))
            };
            let (u, v) = (unit(&x), unit(&y));
            let d = v.ncols();
            let features = Array2::from_shape_fn((x.nrows(), u.ncols() * d), |(i, j)| {
                u[[i, j / d]] * v[[i, j % d]]
            });
            let conventions = Conventions::cosine().with_row_norm(RowNorm::No);
            let spectrum = Spectrum::of(features.view(), conventions).unwrap();
            case.same(text, spectrum.entropy());
            continue;
        }
        let found = information(k.view(), l.view(), order(text)).unwrap();
        for (name, want) in want.as_object().expect("numbers") {
            let got = match name.as_str() {
                "Hx" => found.entropy_x,
                "Hy" => found.entropy_y,
                "Hxy" => found.joint,
                "MI" => found.mutual(),
                "Hx_given_y" => found.x_given_y(),
                "Hy_given_x" => found.y_given_x(),
                name => panic!("{}: {name} is not checked", case.id()),
            };
            case.check(&format!("{text} {name}"), got, want.as_f64().expect("a number"));
        }
    }
}

pub(crate) fn dime(case: &Case<'_>) {
    case.expects_only(&["H_joint", "H_perm", "dime"]);
    let (x, y) = (matrix(case.input("X")), matrix(case.input("Y")));
    let (k, l) = (rbf(case, &x, "sigma_x"), rbf(case, &y, "sigma_y"));
    let permutations: Vec<Vec<usize>> = case
        .input("permutations")
        .as_array()
        .expect("permutations")
        .iter()
        .map(|p| p.as_array().expect("places").iter().map(whole).collect())
        .collect();
    let alpha = case.input("alpha").as_f64().expect("an order");
    let found = dime_with_permutations(k.view(), l.view(), alpha, &permutations).unwrap();
    case.same("H_joint", found.joint);
    case.list("H_perm", &found.permuted);
    case.same("dime", found.value);
}

pub(crate) fn cka(case: &Case<'_>) {
    case.expects_only(&[
        "linear_biased",
        "linear_feature_space",
        "hsic0_xy",
        "hsic1_xy",
        "linear_unbiased",
        "minibatch_hsic1",
        "minibatch_cka",
        "rbf_biased",
        "rbf_unbiased",
        "self_linear_biased",
        "self_linear_unbiased",
    ]);
    let (x, y) = (matrix(case.input("X")), matrix(case.input("Y")));
    let linear = pair::cka(x.view(), y.view()).unwrap();
    case.same("linear_biased", linear.biased);
    case.same("linear_unbiased", linear.unbiased.expect("four items"));
    let own = pair::cka(x.view(), x.view()).unwrap();
    case.same("self_linear_biased", own.biased);
    case.same("self_linear_unbiased", own.unbiased.expect("four items"));
    // More features than items take the other path.
    let wide =
        |x: &Array2<f64>| Array2::from_shape_fn((x.nrows(), 4 * x.ncols()), |(i, j)| x[[i, j / 4]]);
    let by_gram = pair::cka(wide(&x).view(), wide(&y).view()).unwrap();
    case.same("linear_biased", by_gram.biased);
    case.same("linear_unbiased", by_gram.unbiased.expect("four items"));

    let mut moments = CkaMoments::new(x.ncols(), y.ncols()).unwrap();
    for batch in [0..5, 5..12] {
        let cut = |x: &'_ Array2<f64>| x.slice_axis(Axis(0), Slice::from(batch.clone())).to_owned();
        moments.update((cut(&x).view(), cut(&y).view())).unwrap();
    }
    case.same("linear_feature_space", moments.finish().unwrap());

    let kernel = |x: &Array2<f64>| Kernel::Linear.matrix(x.view()).unwrap();
    let (k, l) = (kernel(&x), kernel(&y));
    case.same("hsic0_xy", hsic_biased(k.view(), l.view()).unwrap());
    case.same("hsic1_xy", hsic_unbiased(k.view(), l.view()).unwrap());
    case.same("linear_biased", cka_of_kernels(k.view(), l.view(), Debias::No).unwrap());
    case.same("linear_unbiased", cka_of_kernels(k.view(), l.view(), Debias::Unbiased).unwrap());
    let (k, l) = (rbf(case, &x, "rbf_sigma_x"), rbf(case, &y, "rbf_sigma_y"));
    case.same("rbf_biased", cka_of_kernels(k.view(), l.view(), Debias::No).unwrap());
    case.same("rbf_unbiased", cka_of_kernels(k.view(), l.view(), Debias::Unbiased).unwrap());

    let batches = case.input("minibatches").as_array().expect("batches");
    let mut sums = MiniBatchCka::new(Kernel::Linear, Kernel::Linear);
    for (batch, want) in
        batches.iter().zip(case.expected("minibatch_hsic1").as_array().expect("batches"))
    {
        let range = numbers(batch);
        let range = range[0] as usize..range[1] as usize;
        let cut = |x: &Array2<f64>| x.slice_axis(Axis(0), Slice::from(range.clone())).to_owned();
        let (x, y) = (cut(&x), cut(&y));
        let views: [(ArrayView2<'_, f64>, ArrayView2<'_, f64>); 1] = [(x.view(), y.view())];
        let mut one = MiniBatchCka::new(Kernel::Linear, Kernel::Linear);
        one.update(&views).unwrap();
        let report = one.finish().unwrap();
        for (got, want) in report.hsic.iter().zip(numbers(want)) {
            case.check("minibatch_hsic1", *got, want);
        }
        sums.merge(&one).unwrap();
    }
    case.same("minibatch_cka", sums.finish().unwrap().cka);
}

pub(crate) fn lidar(case: &Case<'_>) {
    case.expects_only(&["lda_eigs", "H_repo_alpha1", "lidar_paper_exp_eps1e-8"]);
    assert_eq!(case.input("aug_gen"), "aug j uses gen(8,3,0.7,0.3,1.3+0.05*j)");
    let [n, q, d] = ["samples", "augmentations", "d"].map(|name| whole(case.input(name)));
    let mut x = Array3::zeros((n, q, d));
    for j in 0..q {
        x.slice_mut(s![.., j, ..]).assign(&generated(n, d, 0.7, 0.3, 1.3 + 0.05 * j as f64));
    }
    let delta = case.input("delta").as_f64().expect("a ridge");
    let found = layers::lidar(x.view(), delta).unwrap();
    case.list("lda_eigs", found.spectrum.eigenvalues());
    case.same("H_repo_alpha1", found.spectrum.entropy());
    case.same("lidar_paper_exp_eps1e-8", found.score(1e-8).unwrap());
}

pub(crate) fn info_nce(case: &Case<'_>) {
    case.expects_only(&["loss"]);
    assert_eq!(case.input("row_l2_normalise"), true);
    let (a, b) = (matrix(case.input("A")), matrix(case.input("B")));
    let temperature = case.input("temperature").as_f64().expect("a temperature");
    case.same("loss", layers::info_nce(a.view(), b.view(), temperature).unwrap());
}

pub(crate) fn divergences(case: &Case<'_>) {
    case.expects_only(&[
        "H_P",
        "H_Q",
        "matrix_cross_entropy",
        "matrix_kl",
        "identity_mce_minus_mkl_minus_H_minus_1",
        "total_coding_rate",
        "jsd",
    ]);
    assert_eq!(case.input("normalisation"), "paper");
    let (x, y) = (matrix(case.input("X")), matrix(case.input("Y")));
    let conventions = Conventions::paper();
    let (p, q) = (
        second_moment(x.view(), conventions).unwrap(),
        second_moment(y.view(), conventions).unwrap(),
    );
    let spectrum = Spectrum::of(x.view(), conventions).unwrap();
    case.same("H_P", spectrum.entropy());
    case.same("H_Q", Spectrum::of(y.view(), conventions).unwrap().entropy());
    let cross = matrix_cross_entropy(p.view(), q.view()).unwrap();
    let kl = matrix_kl(p.view(), q.view()).unwrap();
    case.same("matrix_cross_entropy", cross);
    case.same("matrix_kl", kl);
    let identity = cross - kl - spectrum.entropy() - 1.0;
    case.same("identity_mce_minus_mkl_minus_H_minus_1", identity);
    let epsilon = case.input("tcr_eps").as_f64().expect("a distortion");
    case.same("total_coding_rate", spectrum.coding_rate(epsilon).unwrap());
    case.same("jsd", jensen_shannon(p.view(), q.view()).unwrap());
}
