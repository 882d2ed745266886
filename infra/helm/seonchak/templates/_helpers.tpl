{{/* The name of everything of a release; 40 characters leave room for "-poll-runner-<hash>". */}}
{{- define "seonchak.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The labels that never change: a Deployment's selector is immutable. */}}
{{- define "seonchak.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "seonchak.labels" -}}
{{ include "seonchak.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: seonchak
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "seonchak.metadata" -}}
name: {{ include "seonchak.fullname" .root }}{{ with .component }}-{{ . }}{{ end }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "seonchak.labels" . | nindent 2 }}
{{- end -}}

{{- define "seonchak.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* A value as the text of a variable: Helm reads 1000000 as a float and would print 1e+06. */}}
{{- define "seonchak.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{- define "seonchak.topic" -}}
{{- default "coupon_create" .Values.settings.COUPON_TOPIC -}}
{{- end -}}

{{- define "seonchak.group" -}}
{{- default "group_1" .Values.settings.CONSUMER_GROUP -}}
{{- end -}}

{{/* More consumers than partitions would be idle. */}}
{{- define "seonchak.pollRunnersMax" -}}
{{- $each := int .Values.pollRunner.processes -}}
{{- div (add (int .Values.migrate.partitions) $each -1) $each -}}
{{- end -}}

{{/* Whether traces are on, as handlers/tracing/settings.py decides it: "true" or nothing. */}}
{{- define "seonchak.traces" -}}
{{- $settings := .Values.settings -}}
{{- $endpoint := or $settings.OTEL_EXPORTER_OTLP_ENDPOINT $settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT -}}
{{- $exporter := default (ternary "otlp" "none" (not (empty $endpoint))) $settings.OTEL_TRACES_EXPORTER -}}
{{- $disabled := eq (lower (toString (default "false" $settings.OTEL_SDK_DISABLED))) "true" -}}
{{- if and (eq $exporter "otlp") (not $disabled) -}}true{{- end -}}
{{- end -}}
