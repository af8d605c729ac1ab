{{/* What a schema cannot say, or not in a sentence. All mistakes are told at once. */}}
{{- define "stagekeeper.validate" -}}
{{- $said := list -}}
{{- range tuple "stagekeeper.validate.programs" "stagekeeper.validate.environments" "stagekeeper.validate.apis"
      "stagekeeper.validate.secrets" "stagekeeper.validate.crd" "stagekeeper.validate.ordinals" -}}
  {{- $said = append $said (include . $ | trim) -}}
{{- end -}}
{{- with compact $said -}}
  {{- fail (printf "\n\n%s\n" (join "\n" .)) -}}
{{- end -}}
{{- end -}}

{{- define "stagekeeper.validate.programs" -}}
{{- $remediator := .Values.remediator -}}
{{- if not (include "stagekeeper.programs" . | fromJson) }}
exporter.enabled and remediator.enabled are both false: there is nothing to install.
{{ end -}}
{{- if not (regexMatch "^[a-z]" (include "stagekeeper.fullname" .)) }}
fullnameOverride must give a name that begins with a letter: Services are called after it. Without one it is {{ include "stagekeeper.fullname" . }}, after the release.
{{ end -}}
{{- if not .Values.image.repository }}
image.repository is missing, and has no default: no public registry holds Stagekeeper's image. Build it (image/Containerfile says how), push it to your registry, and say --set image.repository=registry.example/stagekeeper, with your registry's name.
{{ end -}}
{{- if $remediator.enabled -}}
{{- if not (has $remediator.mode (list "act" "observe")) }}
remediator.mode must be observe or act, and has no default{{ with $remediator.mode }} (it is {{ quote . }}){{ end }}. observe: record what would be done, and delete nothing; the remediator gets no right to. act: restart the BBS pods, once, when every gate is open. A person decides; most begin with --set remediator.mode=observe.
{{ end -}}
{{- if and (eq $remediator.mode "act") (not $remediator.alertmanagers) }}
remediator.mode act needs at least one entry in remediator.alertmanagers (url): Alertmanager is asked for silences right before anything is restarted.
{{ end -}}
{{- $api := "/api/v[12](/(alerts(/groups)?|silences?|receivers|status))?/?$" -}}
{{- range $index, $given := $remediator.alertmanagers -}}
{{- if and .bearer_token (or .username .password) }}
remediator.alertmanagers[{{ $index }}]: bearer_token and username/password exclude each other.
{{ else if ne (empty .username) (empty .password) }}
remediator.alertmanagers[{{ $index }}]: username and password belong together.
{{ else if ne (empty .cert) (empty .key) }}
remediator.alertmanagers[{{ $index }}]: cert and key belong together.
{{ else if regexMatch $api .url }}
remediator.alertmanagers[{{ $index }}].url must end before /api, which is added to it: use {{ regexReplaceAll $api .url "" }}
{{ end -}}
{{- end -}}
{{- end -}}
{{- $account := include "stagekeeper.serviceAccount" (list . "remediator") -}}
{{- if and .Values.exporter.enabled $remediator.enabled (eq $account (include "stagekeeper.serviceAccount" (list . "exporter"))) }}
exporter.serviceAccount and remediator.serviceAccount are both {{ $account }}: the exporter, which may only read, would have the remediator's rights. Give each a name of its own, or say create=true.
{{ end -}}
{{- range $program := list "exporter" "remediator" -}}
{{- $given := index $.Values $program -}}
{{- $mounts := dict -}}
{{- range include "stagekeeper.volumes" (list $ $program) | fromYamlArray }}{{ $_ := set $mounts .name "" }}{{ end -}}
{{- range $given.extraVolumes -}}
{{- if hasKey $mounts .name }}
{{ $program }}.extraVolumes: the chart has a volume {{ .name }} of its own. Call yours something else.
{{ end -}}
{{- end -}}
{{- range $given.extraEnv -}}
{{- if eq .name "STAGEKEEPER_CONFIG" }}
{{ $program }}.extraEnv: STAGEKEEPER_CONFIG is set by this chart, and names the file that its values make.
{{ end -}}
{{- end -}}
{{- with $given.webConfig }}
{{- if and .tls (not .secret) }}
{{ $program }}.webConfig.tls needs {{ $program }}.webConfig.secret: its web-config.yaml is what switches TLS on.
{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "stagekeeper.validate.environments" -}}
{{- $names := list -}}
{{- $kept := dict -}}
{{- range $index, $given := .Values.environments -}}
  {{- if eq (default "" .profile) "custom" -}}
    {{- $missing := list -}}
    {{- range $key := list "namespace" "statefulsets" "selector" "active_label" -}}
      {{- if not (get $given $key) }}{{ $missing = append $missing $key }}{{ end -}}
    {{- end -}}
    {{- if not (default dict .service).host }}{{ $missing = append $missing "service.host" }}{{ end -}}
    {{- with $missing }}
environments[{{ $index }}]: profile custom has no defaults: add {{ join ", " . }}.
{{ end -}}
  {{- end -}}
  {{- if eq (default "" .profile) "auto" -}}
    {{- if not .namespace }}
environments[{{ $index }}]: profile auto needs the namespace to look in.
{{ end -}}
    {{- if $.Values.remediator.enabled }}
environments[{{ $index }}]: profile auto is for the exporter alone, since what may be restarted must stand in the configuration. Set the profile that stagekeeper diagnose names, or say remediator.enabled=false.
{{ end -}}
  {{- end -}}
  {{- if and .deep_probe (not .tls) }}
environments[{{ $index }}].deep_probe needs tls: without a client certificate the BBS answers no request.
{{ end -}}
  {{- if eq (toString .locket) "true" }}
environments[{{ $index }}].locket must be false (no StatefulSet of its own) or have statefulset and selector.
{{ end -}}
  {{- if has .name $names }}
environments[{{ $index }}].name: {{ .name }} is the name of an earlier environment too.
{{ end -}}
  {{- $names = append $names .name -}}
{{- end -}}
{{- range (include "stagekeeper.environments" . | fromJson).items -}}
  {{- $environment := . -}}
  {{- $statefulsets := (first .workloads).statefulsets -}}
  {{- range (rest .workloads) -}}
    {{- range .statefulsets -}}
      {{- if has . $statefulsets }}
environments: StatefulSet {{ $environment.namespace }}/{{ . }} is both the BBS and the Locket of {{ $environment.name }}. If its Locket has no StatefulSet of its own, say locket: false.
{{ else if $.Values.remediator.enabled -}}
        {{- /* Where nothing is restarted, several may watch one Locket. */ -}}
        {{- $statefulsets = append $statefulsets . -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
  {{- range $statefulsets -}}
    {{- $target := printf "%s/%s" $environment.namespace . -}}
    {{- with get $kept $target }}
environments: StatefulSet {{ $target }} belongs to both {{ . }} and {{ $environment.name }}: one set of pods must have one manager.
{{ end -}}
    {{- $_ := set $kept $target $environment.name -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{/* Takes a duration as the schema has it, such as 15s: its milliseconds. */}}
{{- define "stagekeeper.milliseconds" -}}
{{- mul (regexFind "^[0-9]+" .) (get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) (regexFind "[a-z]+$" .)) -}}
{{- end -}}

{{- define "stagekeeper.validate.apis" -}}
{{- with .Values.serviceMonitor -}}
{{- $interval := include "stagekeeper.milliseconds" .interval | int64 -}}
{{- if and .enabled (gt $interval 30000) }}
serviceMonitor.interval must be at most 30s (it is {{ .interval }}): the rules bridge 90 s, and one missed scrape must not end an alert.
{{ end -}}
{{- if and .enabled (gt (include "stagekeeper.milliseconds" .scrapeTimeout | int64) $interval) }}
serviceMonitor.scrapeTimeout must not be longer than serviceMonitor.interval ({{ .scrapeTimeout }} of {{ .interval }}): Prometheus refuses such a configuration as a whole.
{{ end -}}
{{- end -}}
{{- range $key := list "port" "path" "scheme" "interval" "scrapeTimeout" "honorLabels" -}}
{{- if hasKey $.Values.serviceMonitor.endpoint $key }}
serviceMonitor.endpoint.{{ $key }} is set by this chart{{ if has $key (list "interval" "scrapeTimeout") }}: say serviceMonitor.{{ $key }}{{ else }} and cannot be another{{ end }}.
{{ end -}}
{{- end -}}
{{- if and (include "stagekeeper.guarded" .) (semverCompare "<1.30.0-0" .Capabilities.KubeVersion.Version) }}
admissionPolicy.enabled needs Kubernetes 1.30 or later, and this is {{ .Capabilities.KubeVersion.Version }}. Say admissionPolicy.enabled=false: then only the Role bounds what the remediator can delete (pods of the right names, but not by UID).
{{ end -}}
{{- range $value, $api := dict "serviceMonitor" "v1/ServiceMonitor" "prometheusRule" "v1/PrometheusRule"
      "alertmanagerConfig" "v1alpha1/AlertmanagerConfig" -}}
{{- $api = printf "monitoring.coreos.com/%s" $api -}}
{{- if and (index $.Values $value).enabled (not ($.Capabilities.APIVersions.Has $api)) }}
{{ $value }}.enabled needs the Prometheus Operator's API {{ $api }}, which this cluster does not have. Install the Operator first, or say {{ $value }}.enabled=false. (For helm template: --api-versions {{ $api }}.)
{{ end -}}
{{- end -}}
{{- with .Values.prometheusRule -}}
{{- $known := list -}}
{{- range $file, $_ := $.Files.Glob "files/*.rules.yaml" -}}
{{- range ($.Files.Get $file | fromYaml).groups }}{{ range .rules }}{{ $known = append $known (default "" .alert) }}{{ end }}{{ end -}}
{{- end -}}
{{- if and .enabled (not $known) }}
prometheusRule.enabled: this chart was packaged without files/*.rules.yaml. Package it from a whole checkout, or say prometheusRule.enabled=false.
{{ else -}}
{{- range $name := concat .disabled (keys .for) | uniq -}}
{{- if not (has $name $known) }}
prometheusRule: there is no alert {{ $name }} to disable or to give another `for`. Alerts are {{ compact $known | sortAlpha | join ", " }}.
{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.dashboards.enabled (not (.Files.Glob "files/dashboards/*.json")) }}
dashboards.enabled: this chart was packaged without dashboards. Package it from a whole checkout, or say dashboards.enabled=false.
{{ end -}}
{{- end -}}

{{/* Takes the text of a web-config.yaml: its tls_server_config as JSON; {} where the listener speaks no TLS. */}}
{{- define "stagekeeper.listenerTls" -}}
{{- $tls := (fromYaml .).tls_server_config -}}
{{- ternary $tls dict (kindIs "map" $tls) | toJson -}}
{{- end -}}

{{/* A Secret may come later than the chart (NOTES.txt says which are missing); one that is there must be right. */}}
{{- define "stagekeeper.validate.secrets" -}}
{{- range $program, $_ := include "stagekeeper.programs" . | fromJson -}}
{{- range (include "stagekeeper.secrets" (list $ $program) | fromJson).items -}}
{{- $found := lookup "v1" "Secret" $.Release.Namespace .secret -}}
{{- $data := default dict $found.data -}}
{{- if not $found }}{{ continue }}{{ end -}}
{{- $tls := include "stagekeeper.listenerTls" (get $data .key | b64dec) | fromJson -}}
{{- $asked := (index $.Values $program "webConfig").tls -}}
{{- if not (hasKey $data .key) }}
Secret {{ $.Release.Namespace }}/{{ .secret }} has no key {{ .key }}, which the {{ $program }} needs (it has: {{ keys $data | sortAlpha | join ", " | default "none" }}).
{{ else if not (get $data .key) }}
Secret {{ $.Release.Namespace }}/{{ .secret }}: the key {{ .key }}, which the {{ $program }} needs, is empty.
{{ else if and (eq .volume "web") (eq (get $tls "client_auth_type" | toString) "RequireAndVerifyClientCert") }}
Secret {{ $.Release.Namespace }}/{{ .secret }}: client_auth_type RequireAndVerifyClientCert would shut kubelet's probes out, which have no certificate, and the {{ $program }} would be restarted for ever. Use VerifyClientCertIfGiven and basic_auth_users; basic auth lets the probes pass.
{{ else if and (eq .volume "web") (eq $asked (empty $tls)) }}
Secret {{ $.Release.Namespace }}/{{ .secret }} has {{ ternary "no" "a" $asked }} tls_server_config, but {{ $program }}.webConfig.tls is {{ $asked }}: kubelet's probes would fail, and the {{ $program }} be restarted for ever.
{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Helm installs a CustomResourceDefinition once and never upgrades it. An empty lookup also means "helm template". */}}
{{- define "stagekeeper.validate.crd" -}}
{{- if and .Values.remediator.enabled .Values.crds.check -}}
{{- $ours := .Files.Get "crds/remediations.yaml" | fromYaml -}}
{{- $apply := "kubectl apply --server-side --force-conflicts -f crds/remediations.yaml, with the file of this chart (helm show crds)" -}}
{{- with lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $ours.metadata.name -}}
{{- if ne (toJson (index .spec.versions 0).schema) (toJson (index $ours.spec.versions 0).schema) }}
CustomResourceDefinition {{ .metadata.name }} in the cluster is not that of chart {{ $.Chart.Version }}, and Helm never changes one. First: {{ $apply }}.
{{ end -}}
{{- else -}}
{{- if and .Release.IsUpgrade (not (.Capabilities.APIVersions.Has "stagekeeper.dev/v1alpha1/Remediation")) }}
CustomResourceDefinition {{ $ours.metadata.name }} is missing, and Helm makes it only at the first install. First: {{ $apply }}. (For helm template: --api-versions stagekeeper.dev/v1alpha1/Remediation.)
{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Whether there are deletes for the admission policy to guard. */}}
{{- define "stagekeeper.guarded" -}}
{{- if and .Values.admissionPolicy.enabled .Values.remediator.enabled (eq .Values.remediator.mode "act") }}yes{{ end -}}
{{- end -}}

{{/* The Role names the pods that may be deleted. Who may make it may read these StatefulSets, as the Role itself says. */}}
{{- define "stagekeeper.validate.ordinals" -}}
{{- if .Values.remediator.enabled -}}
{{- $given := .Values.rbac.firstOrdinals -}}
{{- $known := list -}}
{{- range $environment := (include "stagekeeper.environments" . | fromJson).items -}}
{{- range $name := (include "stagekeeper.statefulsets" . | fromJson).items -}}
{{- $target := printf "%s/%s" $environment.namespace $name -}}
{{- $known = append $known $target -}}
{{- if and $.Values.rbac.create (eq $.Values.remediator.mode "act") -}}
{{- $found := lookup "apps/v1" "StatefulSet" $environment.namespace $name -}}
{{- $first := dig "spec" "ordinals" "start" 0 $found | int -}}
{{- if and $found (ne $first (get $given $target | default 0 | int)) }}
StatefulSet {{ $target }} counts its pods from {{ $first }} (spec.ordinals.start), and the Role would name others. Say --set-json 'rbac.firstOrdinals={"{{ $target }}": {{ $first }}}'.
{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $target, $_ := $given -}}
{{- if not (has $target $known) }}
rbac.firstOrdinals: {{ $target }} is the StatefulSet of no environment. There are {{ join ", " $known }}.
{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
