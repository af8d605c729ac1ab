{{/* The configuration file of both programs. Secrets are named in it by their files. */}}
{{- define "stagekeeper.config" -}}
{{- $environments := list -}}
{{- range .Values.environments -}}
  {{- $given := deepCopy . -}}
  {{- with .tls -}}
    {{- $folder := printf "/etc/stagekeeper/environments/%s" $given.name -}}
    {{- $tls := dict "ca_file" (printf "%s/ca.crt" $folder) "cert_file" (printf "%s/tls.crt" $folder)
          "key_file" (printf "%s/tls.key" $folder) -}}
    {{- with .server_name }}{{ $_ := set $tls "server_name" . }}{{ end -}}
    {{- $_ := set $given "tls" $tls -}}
  {{- end -}}
  {{- /* An empty text means the default, as everywhere in the values; the programs want none. */ -}}
  {{- range list "namespace" "selector" -}}
    {{- if eq (get $given . | toString) "" }}{{ $_ := unset $given . }}{{ end -}}
  {{- end -}}
  {{- range $key := list "service" "cloud_controller" "database" -}}
    {{- $left := dict -}}
    {{- range $name, $value := get $given $key | default dict -}}
      {{- if ne (toString $value) "" }}{{ $_ := set $left $name $value }}{{ end -}}
    {{- end -}}
    {{- if $left }}{{ $_ := set $given $key $left }}{{ else }}{{ $_ := unset $given $key }}{{ end -}}
  {{- end -}}
  {{- $environments = append $environments $given -}}
{{- end -}}
environments:
  {{- toYaml $environments | nindent 2 }}
{{- if and .Values.exporter.enabled .Values.exporter.config }}
exporter:
  {{- toYaml .Values.exporter.config | nindent 2 }}
{{- end }}
{{- if .Values.remediator.enabled }}
remediator:
  {{- with .Values.remediator }}
  mode: {{ .mode }}
  alertname: {{ .alertname | quote }}
  receiver: {{ .receiver | quote }}
  {{- with .matchers }}
  matchers:
    {{- range $label, $value := . }}
    {{ $label }}: {{ $value | quote }}
    {{- end }}
  {{- end }}
  webhook:
    token_file: /etc/stagekeeper/webhook/token
    largest_body: {{ .webhook.largest_body | int }}
  {{- with .alertmanagers }}
  alertmanagers:
    {{- range $index, $given := . }}
    {{- $folder := printf "/etc/stagekeeper/alertmanagers/%d" $index }}
    - url: {{ .url | quote }}
      {{- with .external_url }}
      external_url: {{ . | quote }}
      {{- end }}
      {{- with .timeout }}
      timeout: {{ . }}
      {{- end }}
      {{- if .bearer_token }}
      bearer_token_file: {{ $folder }}/bearer_token
      {{- end }}
      {{- with .username }}
      username: {{ . | quote }}
      {{- end }}
      {{- if .password }}
      password_file: {{ $folder }}/password
      {{- end }}
      {{- if .ca }}
      ca_file: {{ $folder }}/ca
      {{- end }}
      {{- if .cert }}
      cert_file: {{ $folder }}/cert
      key_file: {{ $folder }}/key
      {{- end }}
      {{- with .tenant }}
      tenant: {{ . | quote }}
      {{- end }}
      {{- with .proxy_url }}
      proxy_url: {{ . | quote }}
      {{- end }}
    {{- end }}
  {{- end }}
  {{- with $.Values.prometheusRule }}
  {{- if or .dashboardUrl .runbookUrl }}
  links:
    {{- with .dashboardUrl }}
    dashboards: {{ . | quote }}
    {{- end }}
    {{- with .runbookUrl }}
    runbooks: {{ . | quote }}
    {{- end }}
  {{- end }}
  {{- end }}
  {{- range $section := list "rhythm" "policy" }}
  {{- with get $.Values.remediator $section }}
  {{ $section }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end -}}
