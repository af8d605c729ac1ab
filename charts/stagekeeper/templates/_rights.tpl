{{/*
Who may do what in one environment's namespace. docs/install.md gives the reason of each right.
A list cannot be narrowed to names: Kubernetes has no such rule.
*/}}

{{/* Takes (list $ environment): what an observation reads, but for the StatefulSets. */}}
{{- define "stagekeeper.rights.observe" -}}
{{- $environment := index . 1 -}}
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
{{- if or $environment.auto $environment.service }}
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list]
{{- end }}
{{- end -}}

{{/* Takes (list $ environment): the exporter's StatefulSets. */}}
{{- define "stagekeeper.rights.watch" -}}
{{- $environment := index . 1 -}}
- apiGroups: [apps]
  resources: [statefulsets]
{{- if $environment.auto }}
  # Which ones it is, is what auto finds out.
  verbs: [get, list]
{{- else }}
  resourceNames: {{ (include "stagekeeper.statefulsets" $environment | fromJson).items | toJson }}
  verbs: [get]
{{- end }}
{{- end -}}

{{/* What keeping records needs. */}}
{{- define "stagekeeper.rights.record" -}}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [stagekeeper-pause]
  verbs: [get]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
- apiGroups: [stagekeeper.dev]
  resources: [remediations]
  verbs: [get, list, create, delete]
- apiGroups: [stagekeeper.dev]
  resources: [remediations/status]
  verbs: [update]
{{- end -}}

{{/* Takes (list $ namespace statefulset): managing one StatefulSet, and in mode act restarting its pods. */}}
{{- define "stagekeeper.rights.manage" -}}
{{- $values := (index . 0).Values -}}
{{- $remediator := $values.remediator -}}
{{- $name := index . 2 -}}
{{- $first := get $values.rbac.firstOrdinals (printf "%s/%s" (index . 1) $name) | default 0 | int -}}
- apiGroups: [apps]
  resources: [statefulsets]
  resourceNames: [{{ $name }}]
  verbs: [get]
{{- if eq $remediator.mode "act" }}
# By name: a plan never has more pods than policy.largest_plan, so no ordinal beyond that is ever deleted. They begin
# with rbac.firstOrdinals.
- apiGroups: [""]
  resources: [pods]
  resourceNames:
    {{- range $ordinal := until (default 6 $remediator.policy.largest_plan | int) }}
    - {{ $name }}-{{ add $first $ordinal }}
    {{- end }}
  verbs: [delete]
{{- end }}
{{- end -}}

{{/* Takes (list $ program namespace name rules): a Role, and its binding to the program's ServiceAccount. */}}
{{- define "stagekeeper.role" -}}
{{- $root := index . 0 -}}
{{- $program := index . 1 -}}
{{- $metadata := printf "name: %s\nnamespace: %q" (index . 3) (index . 2) -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  {{- $metadata | nindent 2 }}
  labels:
    {{- include "stagekeeper.labels" (list $root $program dict) | nindent 4 }}
rules:
  {{- index . 4 | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  {{- $metadata | nindent 2 }}
  labels:
    {{- include "stagekeeper.labels" (list $root $program dict) | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ index . 3 }}
subjects:
  - kind: ServiceAccount
    name: {{ include "stagekeeper.serviceAccount" (list $root $program) }}
    namespace: {{ $root.Release.Namespace | quote }}
{{- end -}}
