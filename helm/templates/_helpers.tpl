{{/* Names of everything begin with this. */}}
{{- define "mailstream.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The processes, as YAML: name → values key, port of API, health and metrics (the default of its config.ts). */}}
{{- define "mailstream.processes" -}}
email-service: { key: emailService, port: 8080 }
workflow-worker: { key: workflowWorker, port: 8081 }
server: { key: server, port: 3000 }
{{- end -}}

{{/* Never changes while a release lives. Takes (dict "root" $ "component" name). */}}
{{- define "mailstream.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "mailstream.labels" -}}
{{ include "mailstream.selector" . }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "mailstream.image" -}}
{{ trimSuffix "/" .root.Values.image.registry }}/{{ .component }}{{ if and (eq .root.Values.image.edition "ee") (ne .component "migrate") }}-ee{{ end }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end -}}

{{- define "mailstream.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "mailstream.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end -}}

{{/* One variable from the Secret. Takes (dict "root" $ "name" variable "key" key). */}}
{{- define "mailstream.fromSecret" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef: { name: {{ .root.Values.secrets.existingSecret | quote }}, key: {{ .key | quote }} }
{{ end -}}

{{/* Key of one process's URL of Redis. Takes (dict "root" $ "name" process). */}}
{{- define "mailstream.redisKey" -}}
{{- $keys := .root.Values.secrets.keys -}}
{{- $process := index (include "mailstream.processes" .root | fromYaml) .name -}}
{{- index $keys.redisUrlOf $process.key | default $keys.redisUrl -}}
{{- end -}}

{{/* What the URLs of PostgreSQL and Redis name as files. */}}
{{- define "mailstream.tlsMounts" -}}
{{- if .Values.tls.authorities -}}
- { name: authorities, mountPath: /etc/mailstream/authorities, readOnly: true }
{{ end -}}
{{- if .Values.tls.certificates -}}
- { name: certificates, mountPath: /etc/mailstream/certificates, readOnly: true }
{{ end -}}
{{- end -}}

{{- define "mailstream.tlsVolumes" -}}
{{- with .Values.tls.authorities -}}
- name: authorities
  configMap: { name: {{ . | quote }} }
{{ end -}}
{{- with .Values.tls.certificates -}}
- name: certificates
  # 0440: the process reads them by its group.
  secret: { secretName: {{ . | quote }}, defaultMode: 288 }
{{ end -}}
{{- end -}}

{{- define "mailstream.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "mailstream.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}
