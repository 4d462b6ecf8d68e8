//! Files that hold something else than manifests, or the same twice, and what is reported of them.

use super::*;

/// What is reported of a file of this name and text: its notes, and what of it cannot be read.
fn told_of(name: &str, text: &str) -> Vec<String> {
    let file = manifests::File { name: name.into(), text: text.to_owned() };
    match manifests::read(&[file], "shop") {
        Ok(read) => read.notes.iter().map(|note| format!("{}: {}", note.place, note.message)).collect(),
        Err(all) => all.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_kustomization_is_told_with_the_command_that_renders_its_folder() {
    let whole = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n";
    for (name, text, folder) in [
        ("net/base/kustomization.yaml", whole, "net/base"),
        ("/net/kustomization.yml", "resources: [a.yaml]\n", "/net"),
        ("kustomization.yaml", whole, "."),
        ("net/other.yaml", whole, "net"),
        (manifests::STDIN, whole, "DIR"),
    ] {
        let says = format!(
            "{name}:1: a kustomization is not rendered here: `kubectl kustomize {folder} | vnet plan -` plans what it makes"
        );
        assert_eq!(told_of(name, text), [says]);
    }
    let of_flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\n";
    assert!(told_of("net.yaml", of_flux)[0].contains("Kustomization a is passed over"));
}

#[test]
fn the_configuration_of_name_references_is_passed_over_with_its_kustomization() {
    assert_eq!(told_of("references.yaml", "nameReference: [{kind: Subnet}]\n"), Vec::<String>::new());
}

#[test]
fn what_lacks_its_version_or_its_kind_is_told_which() {
    let says =
        |missing: &str| vec![format!("a.yaml:1: it has no {missing}; every manifest begins with apiVersion and kind")];
    assert_eq!(told_of("a.yaml", "apiVersion: vnet.dev/v1alpha1\n"), says("kind"));
    assert_eq!(told_of("a.yaml", "kind: Subnet\n"), says("apiVersion"));
    assert_eq!(told_of("a.yaml", "spec: {}\n"), says("apiVersion and kind"));
}

#[test]
fn a_file_that_is_given_twice_is_told_once() {
    let file = || manifests::File { name: "net.yaml".into(), text: network() };
    let told = manifests::read(&[file(), file()], "shop").unwrap_err();
    let told: Vec<_> = told.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["net.yaml: it is given twice; give it once"]);
}

#[test]
fn what_is_no_yaml_for_a_template_in_it_is_told_to_be_rendered() {
    let begin = "apiVersion: vnet.dev/v1alpha1\nkind: Subnet\n";
    let hint = "the line has {{, as a template that has to be rendered first: `helm template CHART | vnet plan -`";
    for (rest, line) in [
        ("metadata:\n  name: {{ .Values.name }}\n", 4),
        ("{{- if .Values.subnet }}\nmetadata: {name: a}\n{{- end }}\n", 3),
        ("metadata: {name: a}\nspec: {{- toYaml .Values.spec | nindent 2 }}\n", 4),
    ] {
        let told = told_of("net.yaml", &format!("{begin}{rest}")).join("\n");
        assert!(told.starts_with(&format!("net.yaml:{line}: ")) && told.ends_with(hint), "{told}");
    }
    assert!(!told_of("net.yaml", "spec: [1\n").join("\n").contains("template"));
}

#[test]
fn a_name_with_an_underscore_is_told_as_it_is_written_in_every_form() {
    for (kind, name) in [("PublicIPAddress", "My_Address"), ("VirtualMachine", "web_0")] {
        let plan = Applied::default().plan(&object(kind, name, "{}"));
        let object = format!("{kind} shop/{name}");
        assert_eq!(of(&plan, name).object.to_string(), object);
        let json = serde_json::to_string(&plan).unwrap();
        for told in [&show::table(&plan), &show::github(&plan), &show::markdown(&plan), &json] {
            assert!(!told.contains("VirtualMachineScaleSetVM"), "{told}");
        }
        for told in [show::table(&plan), show::github(&plan), show::markdown(&plan)] {
            assert!(told.contains(&object), "{told}");
        }
        let twice = told_of("net.yaml", &object_twice(kind, name));
        assert_eq!(twice, [format!("net.yaml:7: {object} stands here and at net.yaml:2; keep one of them")]);
    }
}

fn object_twice(kind: &str, name: &str) -> String {
    object(kind, name, "{}").repeat(2)
}
