{{/* Takes (list $ program): what Pod Security, placement and images ask of every pod of ours. */}}
{{- define "stagekeeper.pod" -}}
{{- $root := index . 0 -}}
{{- $program := index . 1 -}}
{{- $given := index $root.Values $program -}}
serviceAccountName: {{ include "stagekeeper.serviceAccount" . }}
automountServiceAccountToken: true
enableServiceLinks: false
# A stop finishes the request and the step under way within 27 s.
terminationGracePeriodSeconds: 30
securityContext:
  {{- toYaml $root.Values.podSecurityContext | nindent 2 }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $given.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $given.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $given.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $given.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $given.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml . | nindent 2 }}
{{- end }}
affinity:
  {{- if $given.affinity }}
  {{- toYaml $given.affinity | nindent 2 }}
  {{- else }}
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "stagekeeper.selector" . | nindent 14 }}
  {{- end }}
{{- end -}}

{{/* Takes (list $ program): probes ask the process itself, never the target or the API server. */}}
{{- define "stagekeeper.probes" -}}
{{- $scheme := ternary "HTTPS" "HTTP" (index (index . 0).Values (index . 1)).webConfig.tls -}}
startupProbe:
  httpGet: {path: /-/healthy, port: http, scheme: {{ $scheme }}}
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: {path: /-/healthy, port: http, scheme: {{ $scheme }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /-/ready, port: http, scheme: {{ $scheme }}}
  periodSeconds: 5
  timeoutSeconds: 5
{{- end -}}
