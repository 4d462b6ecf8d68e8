// The oldest Kubernetes that is supported: tests hold the chart against its schemas. Nothing of it is built.
module vnet.dev/tools/oldest

go 1.26.0

require k8s.io/kubernetes v1.31.14
