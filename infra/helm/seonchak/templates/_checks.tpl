{{/*
What values.schema.json cannot say: which settings need each other. The program would say the same
at its start; here it is said before anything is changed. In: the root.
*/}}
{{- define "seonchak.checks" -}}
{{- $settings := .Values.settings -}}
{{- $secrets := .Values.secretSettings -}}
{{- $given := list -}}
{{- range $name, $value := $settings }}{{ if and (not (kindIs "invalid" $value)) (ne (toString $value) "") }}{{ $given = append $given $name }}{{ end }}{{ end -}}
{{- range $name, $value := $secrets }}{{ if not (kindIs "invalid" $value) }}{{ $given = append $given $name }}{{ end }}{{ end -}}
{{- range list (list "DATABASE_URL" "DATABASE_SECRET_ID") (list "AUTH_JWT_SECRET" "AUTH_JWT_SECRET_ID" "AUTH_JWKS_URL") (list "COUPON_CODE_SECRET" "COUPON_CODE_SECRET_ID") }}
{{- $count := 0 }}{{ range . }}{{ if has . $given }}{{ $count = add1 $count }}{{ end }}{{ end }}
{{- if ne (int $count) 1 }}{{ fail (printf "set exactly one of %s in settings or secretSettings (null takes a default away): %d are set" (join ", " .) (int $count)) }}{{ end }}
{{- end -}}
{{- range list (list "CHALLENGE_SECRET" "CHALLENGE_SECRET_ID") (list "WEBHOOK_SECRET" "WEBHOOK_SECRET_ID") }}
{{- if and (has (first .) $given) (has (last .) $given) }}{{ fail (printf "set at most one of %s in settings or secretSettings" (join ", " .)) }}{{ end }}
{{- end -}}
{{- $needs := dict "OIDC_CLIENT_ID" (list "AUTH_ISSUER" "AUTH_JWKS_URL") -}}
{{- if ne (toString $settings.STAGE) "local" }}{{ $_ := set $needs "AUTH_JWKS_URL" (list "AUTH_ISSUER" "AUTH_AUDIENCE") }}{{ end -}}
{{- range $name, $needed := $needs }}{{ if has $name $given }}{{ range $needed }}
{{- if not (has . $given) }}{{ fail (printf "settings.%s needs settings.%s" $name .) }}{{ end }}
{{- end }}{{ end }}{{ end -}}
{{- $security := default "PLAINTEXT" $settings.KAFKA_SECURITY -}}
{{- if eq $security "SASL_SSL_SCRAM" }}{{ range list "KAFKA_USERNAME" "KAFKA_PASSWORD" }}
{{- if not (has . $given) }}{{ fail (printf "settings.KAFKA_SECURITY=SASL_SSL_SCRAM needs secretSettings.%s" .) }}{{ end }}
{{- end }}{{ end -}}
{{- if and (eq $security "SASL_SSL_IAM") (not (has "AWS_REGION" $given)) }}{{ fail "settings.KAFKA_SECURITY=SASL_SSL_IAM needs settings.AWS_REGION" }}{{ end -}}
{{- $migration := list -}}
{{- range $name, $value := merge (dict) (default dict .Values.migrate.settings) (default dict .Values.migrate.secretSettings) }}{{ if not (kindIs "invalid" $value) }}{{ $migration = append $migration $name }}{{ end }}{{ end -}}
{{- if gt (len $migration) 1 }}{{ fail "migrate: set at most one of MIGRATION_DATABASE_URL, MIGRATION_DATABASE_SECRET_ID" }}{{ end -}}
{{- $allowed := or (eq (toString $settings.STAGE) "local") (contains "database-owner" (toString $settings.INSECURE_ALLOWED)) -}}
{{- if and .Values.migrate.enabled (not $migration) (not $allowed) }}{{ fail "migrate needs a user of its own in MySQL: set migrate.secretSettings.MIGRATION_DATABASE_URL, or migrate.enabled=false" }}{{ end -}}
{{- range $name, $from := $secrets }}{{ if and (not (kindIs "invalid" $from)) (not $from.name) (not $.Values.existingSecret) }}
{{- fail (printf "secretSettings.%s: no Secret is named: set existingSecret, or secretSettings.%s.name" $name $name) }}
{{- end }}{{ end -}}
{{- range $name, $from := .Values.migrate.secretSettings }}{{ if and (not (kindIs "invalid" $from)) (not $from.name) (not $.Values.migrate.existingSecret) }}
{{- fail (printf "migrate.secretSettings.%s: no Secret is named: set migrate.existingSecret, which is not that of the other pods" $name) }}
{{- end }}{{ end -}}
{{- if and .Values.ca.configMap .Values.ca.secret }}{{ fail "ca: set at most one of configMap, secret" }}{{ end -}}
{{- if and (or .Values.ca.configMap .Values.ca.secret) $settings.DATABASE_CA_FILE }}{{ fail "set ca or settings.DATABASE_CA_FILE, not both" }}{{ end -}}
{{- with .Values.gateway.autoscaling }}{{ if gt (int .minReplicas) (int .maxReplicas) }}{{ fail "gateway.autoscaling: minReplicas is above maxReplicas" }}{{ end }}{{ end -}}
{{- $most := int (include "seonchak.pollRunnersMax" .) -}}
{{- if and .Values.pollRunner.keda.enabled (gt (int .Values.pollRunner.keda.minReplicas) $most) }}{{ fail (printf "pollRunner.keda.minReplicas is above %d, which is enough for every partition" $most) }}{{ end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}{{ fail "ingress.enabled needs ingress.hosts" }}{{ end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}{{ fail "httpRoute.enabled needs httpRoute.parentRefs" }}{{ end -}}
{{- /* Replicas that Helm set and no longer names fall to 1 before an autoscaler looks. */}}
{{- range $component, $scaled := dict "gateway" .Values.gateway.autoscaling.enabled "poll-runner" .Values.pollRunner.keda.enabled }}
{{- $name := printf "%s-%s" (include "seonchak.fullname" $) $component }}
{{- if $scaled }}{{ $live := lookup "apps/v1" "Deployment" $.Release.Namespace $name }}{{ range dig "metadata" "managedFields" list $live }}
{{- if and (eq .operation "Apply") (hasKey (default dict (index .fieldsV1 "f:spec")) "f:replicas") }}
{{- fail (printf "with autoscaling switched on now, all pods of %s but one would end first; before it, run: kubectl --namespace %s scale deployment %s --replicas=%d" $name $.Release.Namespace $name (add1 $live.spec.replicas)) }}
{{- end }}{{ end }}{{ end }}
{{- end -}}
{{- end -}}
