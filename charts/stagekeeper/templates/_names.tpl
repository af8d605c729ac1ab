{{/* What objects are called and how they are labelled. A program is "exporter" or "remediator". */}}

{{- define "stagekeeper.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 50 characters, so that "-remediator" and a pod's own suffix fit into 63. */}}
{{- define "stagekeeper.fullname" -}}
{{- $name := include "stagekeeper.name" . -}}
{{- $default := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $default .Values.fullnameOverride | replace "." "-" | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/*
Takes (list $ component more): an object's labels. Each key stands once: what pods are selected and scraped by and
who manages the object is the chart's, then what this object is given (`more`), then commonLabels, then the chart's other labels.
*/}}
{{- define "stagekeeper.labels" -}}
{{- $root := index . 0 -}}
{{- $fixed := dict
      "app.kubernetes.io/name" (include "stagekeeper.name" $root)
      "app.kubernetes.io/instance" $root.Release.Name
      "app.kubernetes.io/part-of" "stagekeeper"
      "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- with index . 1 }}{{ $_ := set $fixed "app.kubernetes.io/component" . }}{{ end -}}
{{- $own := dict
      "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
      "app.kubernetes.io/version" $root.Chart.AppVersion -}}
{{- toYaml (merge $fixed (index . 2) $root.Values.commonLabels $own) -}}
{{- end -}}

{{/* Takes (list $ program). What Services, Deployments and policies select pods by: it must never change. */}}
{{- define "stagekeeper.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "stagekeeper.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Takes (list $ program): the metadata of a program's object in the release's namespace. */}}
{{- define "stagekeeper.metadata" -}}
{{- $root := index . 0 -}}
{{- $program := index . 1 -}}
name: {{ include "stagekeeper.fullname" $root }}-{{ $program }}
namespace: {{ $root.Release.Namespace | quote }}
labels:
  {{- include "stagekeeper.labels" (list $root $program dict) | nindent 2 }}
{{- end -}}

{{/* Takes (list $ program). */}}
{{- define "stagekeeper.serviceAccount" -}}
{{- $root := index . 0 -}}
{{- $given := index $root.Values (index . 1) "serviceAccount" -}}
{{- $own := printf "%s-%s" (include "stagekeeper.fullname" $root) (index . 1) -}}
{{- default (ternary $own "default" $given.create) $given.name -}}
{{- end -}}

{{/* The programs that are installed, as JSON: a name, and the port of each. */}}
{{- define "stagekeeper.programs" -}}
{{- $found := dict -}}
{{- if .Values.exporter.enabled }}{{ $_ := set $found "exporter" 9889 }}{{ end -}}
{{- if .Values.remediator.enabled }}{{ $_ := set $found "remediator" 9890 }}{{ end -}}
{{- toJson $found -}}
{{- end -}}

{{- define "stagekeeper.image" -}}
{{- $image := .Values.image -}}
{{- $name := compact (list (trimSuffix "/" .Values.global.imageRegistry) $image.repository) | join "/" -}}
{{- if $image.digest -}}
{{ $name }}@{{ $image.digest }}
{{- else -}}
{{ $name }}:{{ default .Chart.AppVersion $image.tag }}
{{- end -}}
{{- end -}}
