{{/* Variables of one process, without PORT. Takes (dict "root" $ "name" process "values" its values). */}}
{{- define "mailstream.environment" -}}
{{- $keys := .root.Values.secrets.keys -}}
{{- include "mailstream.fromSecret" (dict "root" .root "name" "DATABASE_URL" "key" $keys.databaseUrl) -}}
{{- include "mailstream.fromSecret" (dict "root" .root "name" "REDIS_URL" "key" (include "mailstream.redisKey" (dict "root" .root "name" .name))) -}}
{{- include "mailstream.fromSecret" (dict "root" .root "name" "SECRETS_MASTER_KEY" "key" $keys.masterKey) -}}
{{- if and $keys.databaseDirectUrl (eq .name "email-service") -}}
{{- include "mailstream.fromSecret" (dict "root" .root "name" "DATABASE_DIRECT_URL" "key" $keys.databaseDirectUrl) -}}
{{- end -}}
{{- if and $keys.alertSecret (eq .name "workflow-worker") -}}
{{- include "mailstream.fromSecret" (dict "root" .root "name" "WORKER_ALERT_SECRET" "key" $keys.alertSecret) -}}
{{- end -}}
{{- if and $keys.otlpHeaders (ne .name "server") -}}
{{- include "mailstream.fromSecret" (dict "root" .root "name" "OTEL_EXPORTER_OTLP_HEADERS" "key" $keys.otlpHeaders) -}}
{{- end -}}
{{- if $keys.storageUrl -}}
{{- include "mailstream.fromSecret" (dict "root" .root "name" "STORAGE_URL" "key" $keys.storageUrl) -}}
{{- else -}}
- { name: STORAGE_URL, value: {{ .root.Values.storage.url | quote }} }
{{ end -}}
{{- if eq .root.Values.image.edition "ee" -}}
{{- include "mailstream.vault" .root -}}
{{- end -}}
{{- with .root.Values.egress.allowCidrs -}}
- { name: EGRESS_ALLOW_CIDRS, value: {{ join "," . | quote }} }
{{ end -}}
{{- with .root.Values.egress.allowPorts -}}
- { name: EGRESS_ALLOW_PORTS, value: {{ join "," . | quote }} }
{{ end -}}
{{- /* A process's own setting wins. */ -}}
{{- range $variable, $value := merge (dict) .values.settings .root.Values.settings -}}
{{- /* A large whole number is a float here, and would be printed as 1.5e+08. */ -}}
{{- $text := ternary (printf "%.0f" $value) (toString $value) (and (kindIs "float64" $value) (eq (toString (floor $value)) (toString $value))) -}}
- { name: {{ $variable }}, value: {{ $text | quote }} }
{{ end -}}
{{- end -}}

{{/* Variables of Vault. */}}
{{- define "mailstream.vault" -}}
{{- $vault := .Values.vault -}}
- { name: VAULT_ADDR, value: {{ $vault.address | quote }} }
- { name: VAULT_AUTH, value: {{ $vault.auth | quote }} }
{{ if eq $vault.auth "kubernetes" -}}
- { name: VAULT_ROLE, value: {{ $vault.role | quote }} }
- { name: VAULT_JWT_FILE, value: /var/run/secrets/vault/token }
{{ end -}}
{{- if eq $vault.auth "approle" -}}
- { name: VAULT_ROLE_ID, value: {{ $vault.role | quote }} }
{{ end -}}
{{- if $vault.caSecret -}}
- { name: VAULT_CACERT, value: /etc/vault/ca.crt }
{{ end -}}
{{- if .Values.secrets.keys.vaultToken -}}
{{- include "mailstream.fromSecret" (dict "root" . "name" "VAULT_TOKEN" "key" .Values.secrets.keys.vaultToken) -}}
{{- end -}}
{{- if .Values.secrets.keys.vaultSecretId -}}
{{- include "mailstream.fromSecret" (dict "root" . "name" "VAULT_SECRET_ID" "key" .Values.secrets.keys.vaultSecretId) -}}
{{- end -}}
{{- end -}}
