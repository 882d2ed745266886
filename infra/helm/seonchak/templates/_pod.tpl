{{/*
What the four kinds of pods have in common.
In: root, component, graceSeconds, account (name of the ServiceAccount), container (text: args,
ports, probes), resources, settings, secretSettings, restartPolicy.
*/}}
{{- define "seonchak.pod" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
metadata:
  labels:
    {{- include "seonchak.labels" . | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $annotations := deepCopy $values.podAnnotations }}
  {{- if and $values.metrics.annotations (ne .component "migrate") }}
  {{- $scraped := dict "prometheus.io/scrape" "true" "prometheus.io/port" "9464" "prometheus.io/path" "/metrics" }}
  {{- $annotations = merge $annotations $scraped }}
  {{- end }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ .account }}
  # No program here talks to the API server.
  automountServiceAccountToken: false
  # A Service named "database" would otherwise set DATABASE_PORT to tcp://…, and no pod would start.
  enableServiceLinks: false
  # As process 1, Python ignores SIGTERM until it has set its handlers. Here process 1 is the pause
  # container, which also reaps what the workers leave.
  shareProcessNamespace: true
  terminationGracePeriodSeconds: {{ .graceSeconds }}
  {{- with .restartPolicy }}
  restartPolicy: {{ . }}
  {{- end }}
  {{- with $values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if ne .component "migrate" }}
  # Over zones and nodes, where there are several; a pod that cannot be spread is better than none.
  topologySpreadConstraints:
    {{- range tuple "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "seonchak.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    # The user of the image (local/Dockerfile).
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: {{ .component }}
      image: {{ include "seonchak.image" $root | quote }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      {{- .container | nindent 6 }}
      env:
        {{- include "seonchak.environment" . | trim | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        privileged: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      resources:
        {{- toYaml .resources | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- if or $values.ca.configMap $values.ca.secret }}
        - name: ca
          mountPath: /etc/seonchak/ca
          readOnly: true
        {{- end }}
  volumes:
    # The numbers of the workers and the scheduler's heartbeat: some KB, counted as the pod's memory.
    - name: tmp
      emptyDir:
        medium: Memory
        sizeLimit: 32Mi
    {{- if $values.ca.configMap }}
    - name: ca
      configMap:
        name: {{ $values.ca.configMap }}
    {{- else if $values.ca.secret }}
    - name: ca
      secret:
        secretName: {{ $values.ca.secret }}
    {{- end }}
{{- end -}}
