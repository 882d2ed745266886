{{/*
The environment of a container. The settings are in the pod itself, not in a ConfigMap: a change
makes new pods, as a rollout that can be undone. Secrets are referred to, and never written here.
In: root, component, settings and secretSettings (maps; those of the migration are added).
*/}}
{{- define "seonchak.environment" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- range $name, $value := .settings }}
{{- if not (kindIs "invalid" $value) }}
- name: {{ $name }}
  value: {{ include "seonchak.text" $value | quote }}
{{- end }}
{{- end }}
{{- range $name, $from := .secretSettings }}
{{- if not (kindIs "invalid" $from) }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ default $values.existingSecret $from.name }}
      key: {{ default $name $from.key }}
{{- end }}
{{- end }}
{{- if or $values.ca.configMap $values.ca.secret }}
{{- if eq (toString (default "prefer" $values.settings.DATABASE_TLS)) "verify" }}
- name: DATABASE_CA_FILE
  value: {{ printf "/etc/seonchak/ca/%s" $values.ca.key }}
{{- end }}
{{- if $values.ca.forEverything }}
- name: SSL_CERT_FILE
  value: {{ printf "/etc/seonchak/ca/%s" $values.ca.key }}
{{- end }}
{{- end }}
{{- if ne .component "migrate" }}
- name: METRICS_PORT
  value: "9464"
- name: METRICS_HOST
  value: {{ $values.listenOn | quote }}
{{- if include "seonchak.traces" $root }}
- name: PYTHONPATH
  value: /opt/traces
- name: OTEL_SERVICE_NAME
  value: {{ printf "seonchak-%s" .component }}
{{- end }}
{{- end }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
