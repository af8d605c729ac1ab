{{/*
Who may do what in one environment's namespace. docs/install.md gives the reason of each right.
A list can't be narrowed to names: Kubernetes has no such rule.
*/}}

{{/* Takes (list $ environment): what a look reads. */}}
{{- define "stagekeeper.rights.look" -}}
{{- $environment := index . 1 -}}
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
- apiGroups: [apps]
  resources: [statefulsets]
{{- if $environment.auto }}
  # Which ones it is, is what auto finds out.
  verbs: [get, list]
{{- else }}
  resourceNames: {{ (include "stagekeeper.statefulsets" $environment | fromJson).items | toJson }}
  verbs: [get]
{{- end }}
{{- if or $environment.auto $environment.service }}
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list]
{{- end }}
{{- end -}}

{{/* Takes (list $ environment): keeping records, and in mode act restarting pods. */}}
{{- define "stagekeeper.rights.keep" -}}
{{- $root := index . 0 -}}
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [stagekeeper-pause]
  verbs: [get]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
- apiGroups: [stagekeeper.dev]
  resources: [remediations]
  verbs: [get, list, create, delete]
- apiGroups: [stagekeeper.dev]
  resources: [remediations/status]
  verbs: [update]
{{- if eq $root.Values.remediator.mode "act" }}
# By name: a plan never has more pods than policy.largest_plan, so no ordinal beyond that is ever deleted.
- apiGroups: [""]
  resources: [pods]
  resourceNames:
    {{- range $name := (include "stagekeeper.statefulsets" (index . 1) | fromJson).items }}
    {{- range $ordinal := until (default 6 $root.Values.remediator.policy.largest_plan | int) }}
    - {{ $name }}-{{ $ordinal }}
    {{- end }}
    {{- end }}
  verbs: [delete]
{{- end }}
{{- end -}}

{{/* Takes (list $ program environment). The remediator's is named by its target alone: two releases collide on it. */}}
{{- define "stagekeeper.rights.name" -}}
{{- $environment := index . 2 -}}
{{- if eq (index . 1) "remediator" -}}
stagekeeper-remediator-{{ index (index $environment.workloads 0).statefulsets 0 }}
{{- else -}}
{{ include "stagekeeper.fullname" (index . 0) }}-exporter-{{ $environment.name }}
{{- end -}}
{{- end -}}
