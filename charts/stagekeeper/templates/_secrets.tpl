{{/*
The keys of Secrets that are mounted, as JSON {"items": [{volume, secret, key, path}]}. Never a value of one. Volumes
are mounted whole, without subPath, so that kubelet renews them and the programs read what is new.
Takes (list $ program).
*/}}
{{- define "stagekeeper.secrets" -}}
{{- $root := index . 0 -}}
{{- $program := index . 1 -}}
{{- $found := list -}}
{{- range $root.Values.environments -}}
  {{- $environment := .name -}}
  {{- with .tls -}}
    {{- $secret := .secret -}}
    {{- range $path, $key := dict "ca.crt" .ca "tls.crt" .cert "tls.key" .key -}}
      {{- $found = append $found (dict "volume" "environments" "secret" $secret
            "key" (default $path $key) "path" (printf "%s/%s" $environment $path)) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- with (index $root.Values $program).webConfig.secret -}}
  {{- $found = append $found (dict "volume" "web" "secret" . "key" "web-config.yaml") -}}
{{- end -}}
{{- if eq $program "remediator" -}}
  {{- with $root.Values.remediator.webhook -}}
    {{- $found = append $found (dict "volume" "webhook" "secret" .secret "key" .key "path" "token") -}}
  {{- end -}}
  {{- range $index, $alertmanager := $root.Values.remediator.alertmanagers -}}
    {{- range $name := list "bearer_token" "password" "ca" "cert" "key" -}}
      {{- with get $alertmanager $name -}}
        {{- $found = append $found (dict "volume" "alertmanagers" "secret" .secret
              "key" .key "path" (printf "%d/%s" $index $name)) -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- toJson (dict "items" $found) -}}
{{- end -}}

{{/* Takes (list $ program). */}}
{{- define "stagekeeper.volumes" -}}
{{- $root := index . 0 -}}
{{- $volumes := dict -}}
{{- range (include "stagekeeper.secrets" . | fromJson).items -}}
  {{- $source := dict "name" .secret -}}
  {{- if .path }}{{ $_ := set $source "items" (list (dict "key" .key "path" .path)) }}{{ end -}}
  {{- $_ := set $volumes .volume (append (default list (get $volumes .volume)) (dict "secret" $source)) -}}
{{- end -}}
- name: config
  configMap:
    name: {{ include "stagekeeper.fullname" $root }}
{{- range $name, $sources := $volumes }}
- name: {{ $name }}
  projected:
    defaultMode: 0440
    sources:
      {{- toYaml $sources | nindent 6 }}
{{- end }}
{{- end -}}

{{/* Takes (list $ program). */}}
{{- define "stagekeeper.volumeMounts" -}}
- {name: config, mountPath: /etc/stagekeeper/config, readOnly: true}
{{- $names := list }}
{{- range (include "stagekeeper.secrets" . | fromJson).items }}{{ $names = append $names .volume }}{{ end }}
{{- range uniq $names }}
- {name: {{ . }}, mountPath: /etc/stagekeeper/{{ . }}, readOnly: true}
{{- end }}
{{- end -}}
