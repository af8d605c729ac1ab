{{/*
The environments as templates need them, as JSON {"items": [...]}: each with its profile's values and what was given on
top. stagekeeper.diego.environments does the same for the programs; a test holds the two together.
*/}}
{{- define "stagekeeper.environments" -}}
{{- $known := .Files.Get "files/profiles.yaml" | fromYaml -}}
{{- $items := list -}}
{{- range .Values.environments -}}
  {{- $base := default dict (get $known.profiles (default "cfee-2" .profile)) -}}
  {{- $service := default dict .service -}}
  {{- $locket := $base.locket -}}
  {{- if hasKey . "locket" }}{{ $locket = .locket }}{{ end -}}
  {{- $workloads := list (dict
        "statefulsets" (default (list $base.statefulset | compact) .statefulsets)
        "labels" (include "stagekeeper.matchLabels" (default $base.selector .selector) | fromJson)) -}}
  {{- if kindIs "map" $locket -}}
    {{- $workloads = append $workloads (dict
          "statefulsets" (list $locket.statefulset)
          "labels" (include "stagekeeper.matchLabels" $locket.selector | fromJson)) -}}
  {{- end -}}
  {{- $items = append $items (dict
        "name" .name
        "auto" (eq (default "" .profile) "auto")
        "custom" (eq (default "" .profile) "custom")
        "namespace" (default $base.namespace .namespace)
        "workloads" $workloads
        "service" (default $base.service_name $service.name)
        "ports" (list (default $known.ports.bbs $service.port | int) ($known.ports.health | int) ($known.ports.locket | int))
        "addresses" (list (default dict .cloud_controller).address (default dict .database).address | compact)) -}}
{{- end -}}
{{- toJson (dict "items" $items) -}}
{{- end -}}

{{/* Takes a selector such as "a=b,c==d"; gives {"a": "b", "c": "d"}. */}}
{{- define "stagekeeper.matchLabels" -}}
{{- $labels := dict -}}
{{- range splitList "," (default "" .) -}}
  {{- $pair := regexSplit "==?" . 2 -}}
  {{- if eq (len $pair) 2 }}{{ $_ := set $labels (index $pair 0) (index $pair 1) }}{{ end -}}
{{- end -}}
{{- toJson $labels -}}
{{- end -}}

{{/* Takes one environment: the StatefulSets of all its workloads, as JSON {"items": [...]}. */}}
{{- define "stagekeeper.statefulsets" -}}
{{- $names := list -}}
{{- range .workloads }}{{ $names = concat $names .statefulsets }}{{ end -}}
{{- toJson (dict "items" $names) -}}
{{- end -}}
