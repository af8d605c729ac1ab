// The Prometheus Operator's CustomResourceDefinitions, as its module carries them: tests/chart/operator_apis.py.
module stagekeeper.dev/tests/chart/operator

go 1.24

require github.com/prometheus-operator/prometheus-operator v0.86.1
