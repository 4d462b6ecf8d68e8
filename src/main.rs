fn main() {
    for crd in vnet_operator::api::crd::all().unwrap() {
        println!("---\n{}", serde_saphyr::to_string(&crd).unwrap());
    }
    for crd in vnet_operator::api::crd::finalizer_policy() {
        println!("---\n{}", serde_saphyr::to_string(&crd).unwrap());
    }
}
