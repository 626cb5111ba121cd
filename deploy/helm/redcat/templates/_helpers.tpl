{{- define "redcat.name" -}}
{{- $name := .Release.Name }}
{{- if not (contains .Chart.Name $name) }}{{ $name = printf "%s-%s" $name .Chart.Name }}{{ end }}
{{- $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "redcat.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{/* Labels that select the pods of a component: (dict "root" . "component" "worker"). */}}
{{- define "redcat.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "redcat.labels" -}}
{{ include "redcat.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* What every pod is allowed: nothing. */}}
{{- define "redcat.pod" -}}
serviceAccountName: {{ include "redcat.name" . }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
  - name: files
    configMap: {name: {{ include "redcat.name" . }}-files}
  {{- if .Values.secrets.redisCa.name }}
  - name: redis-ca
    secret:
      secretName: {{ .Values.secrets.redisCa.name }}
      items: [{key: {{ .Values.secrets.redisCa.key }}, path: ca.crt}]
  {{- end }}
  {{- if .Values.secrets.kafkaCa.name }}
  - name: kafka-ca
    secret:
      secretName: {{ .Values.secrets.kafkaCa.name }}
      items: [{key: {{ .Values.secrets.kafkaCa.key }}, path: ca.crt}]
  {{- end }}
{{- end -}}

{{- define "redcat.container" -}}
image: {{ include "redcat.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
envFrom:
  - configMapRef: {name: {{ include "redcat.name" . }}-settings}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  - {name: files, mountPath: /etc/redcat, readOnly: true}
  {{- if .Values.secrets.redisCa.name }}
  - {name: redis-ca, mountPath: /etc/redcat-redis, readOnly: true}
  {{- end }}
  {{- if .Values.secrets.kafkaCa.name }}
  - {name: kafka-ca, mountPath: /etc/redcat-kafka, readOnly: true}
  {{- end }}
{{- end -}}

{{/* Secrets as variables. */}}
{{- define "redcat.secrets" -}}
- name: REDCAT_REDIS
  valueFrom:
    secretKeyRef: {name: {{ required "secrets.redisUrl.name is required" .Values.secrets.redisUrl.name }}, key: {{ .Values.secrets.redisUrl.key }}}
{{- if hasPrefix "sasl_" .Values.settings.kafkaSecurity }}
- name: REDCAT_KAFKA_SASL_USERNAME
  valueFrom:
    secretKeyRef: {name: {{ required "secrets.kafkaUsername.name is required with sasl" .Values.secrets.kafkaUsername.name }}, key: {{ .Values.secrets.kafkaUsername.key }}}
- name: REDCAT_KAFKA_SASL_PASSWORD
  valueFrom:
    secretKeyRef: {name: {{ required "secrets.kafkaPassword.name is required with sasl" .Values.secrets.kafkaPassword.name }}, key: {{ .Values.secrets.kafkaPassword.key }}}
{{- end }}
{{- end -}}

{{/* Pods of a deployment are replaced when what they read has changed. */}}
{{- define "redcat.checksums" -}}
checksum/settings: {{ include (print .Template.BasePath "/settings.yaml") . | sha256sum }}
{{- end -}}
