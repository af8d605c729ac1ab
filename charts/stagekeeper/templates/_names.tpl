{{/* What objects are called and how they are labelled. A program is "exporter" or "remediator". */}}

{{- define "stagekeeper.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 50 characters, so that "-remediator" and a pod's own suffix fit into 63. */}}
{{- define "stagekeeper.fullname" -}}
{{- $name := include "stagekeeper.name" . -}}
{{- $default := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $default .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "stagekeeper.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "stagekeeper.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: stagekeeper
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Takes (list $ program). What Services, Deployments and policies select pods by: it must never change. */}}
{{- define "stagekeeper.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "stagekeeper.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Takes (list $ program). */}}
{{- define "stagekeeper.metadata" -}}
{{- $root := index . 0 -}}
{{- $program := index . 1 -}}
name: {{ include "stagekeeper.fullname" $root }}-{{ $program }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "stagekeeper.labels" $root | nindent 2 }}
  app.kubernetes.io/component: {{ $program }}
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
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default .Chart.AppVersion $image.tag }}
{{- end -}}
{{- end -}}
