{{/*
Refuses values that would install something that cannot work or is not safe, with what to do. Included once, by deployments.yaml.
Whether the Secret is there and filled is seen only where there is a cluster to ask (not in `helm template`).
*/}}
{{- define "mailstream.validate" -}}
{{- $placeholder := "(?i)(change.?me|placeholder|replace.?(me|this)|your[-_]|<[^>]*>|^x+$)" -}}
{{- $developmentKey := "bWFpbHN0cmVhbS1kZXZlbG9wbWVudC1rZXktb25seSE=" -}}
{{- if not .Values.image.registry -}}
{{- fail "image.registry is not set: build the images from the Dockerfile, push them, and give their registry and folder, e.g. registry.example/mailstream." -}}
{{- end -}}
{{- $name := .Values.secrets.existingSecret -}}
{{- if not $name -}}
{{- fail "secrets.existingSecret is not set: make a Secret with the URLs and the master key (helm/README.md, step 3) and give its name. The chart takes no secret as a value: values are kept readable in the release." -}}
{{- end -}}
{{- if regexMatch $placeholder $name -}}
{{- fail (printf "secrets.existingSecret is %q, which is a placeholder: give the name of your Secret." $name) -}}
{{- end -}}
{{- $keys := list .Values.secrets.keys.databaseUrl .Values.secrets.keys.masterKey -}}
{{- range $process, $facts := include "mailstream.processes" . | fromYaml -}}
{{- if (index $.Values $facts.key).enabled -}}
{{- $keys = append $keys (include "mailstream.redisKey" (dict "root" $ "name" $process)) -}}
{{- end -}}
{{- end -}}
{{- if .Values.migration.enabled -}}{{- $keys = append $keys .Values.secrets.keys.migrationDatabaseUrl -}}{{- end -}}
{{- range list .Values.secrets.keys.storageUrl .Values.secrets.keys.databaseDirectUrl .Values.secrets.keys.alertSecret .Values.secrets.keys.otlpHeaders .Values.secrets.keys.vaultToken .Values.secrets.keys.vaultSecretId .Values.firstTenant.passwordKey -}}
{{- if . -}}{{- $keys = append $keys . -}}{{- end -}}
{{- end -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace $name -}}
{{- if $secret -}}
{{- range $key := uniq $keys -}}
{{- $value := index ($secret.data | default dict) $key | default "" | b64dec -}}
{{- if not $value -}}
{{- fail (printf "Secret %q has no value for %q: see helm/README.md, step 3." $name $key) -}}
{{- end -}}
{{- if or (regexMatch $placeholder $value) (contains $developmentKey $value) -}}
{{- fail (printf "Secret %q holds a placeholder or the development key in %q: put in a value of your own." $name $key) -}}
{{- end -}}
{{- end -}}
{{- else if lookup "v1" "ConfigMap" .Release.Namespace "kube-root-ca.crt" -}}
{{- fail (printf "There is no Secret %q in namespace %q: make it first (helm/README.md, step 3)." $name .Release.Namespace) -}}
{{- end -}}
{{- if not (or .Values.storage.url .Values.secrets.keys.storageUrl) -}}
{{- fail "Where do messages go? Set storage.url (s3://bucket/prefix?region=…), secrets.keys.storageUrl when the URL holds keys, or storage.url=file:///var/lib/mailstream/storage with storage.existingClaim." -}}
{{- end -}}
{{- if and (hasPrefix "file:" .Values.storage.url) (not .Values.storage.existingClaim) -}}
{{- fail "storage.url is a folder, but storage.existingClaim is not set: messages would be lost with the pod. Give a claim with access mode ReadWriteMany, or use s3://." -}}
{{- end -}}
{{- if and (hasPrefix "file:" .Values.storage.url) (not (hasPrefix "file:///var/lib/mailstream/" .Values.storage.url)) -}}
{{- fail "storage.url must be below file:///var/lib/mailstream/: the claim is mounted there, and nothing else can be written." -}}
{{- end -}}
{{- range .Values.egress.allowCidrs -}}
{{- if or (regexMatch "^(169\\.254\\.|fe[89ab]|fd00:ec2:)" .) (hasSuffix "/0" .) -}}
{{- fail (printf "egress.allowCidrs holds %q: link-local addresses are where clouds keep their credentials, and /0 is everything. Name the networks of your mail servers." .) -}}
{{- end -}}
{{- end -}}
{{- if .Values.networkPolicy.enabled -}}
{{- if or (not .Values.networkPolicy.database.to) (not .Values.networkPolicy.redis.to) -}}
{{- fail "networkPolicy.database.to and networkPolicy.redis.to are not set: say where PostgreSQL and Redis are (a list of peers, e.g. [{ipBlock: {cidr: 10.1.2.3/32}}]), or set networkPolicy.enabled=false." -}}
{{- end -}}
{{- end -}}
{{- if eq .Values.image.edition "ee" -}}
{{- if not .Values.vault.address -}}
{{- fail "image.edition is ee, but vault.address is not set: give Vault's scheme, host and port, e.g. https://vault.example:8200." -}}
{{- end -}}
{{- if and (ne .Values.vault.auth "token") (not .Values.vault.role) -}}
{{- fail (printf "vault.auth is %q, but vault.role is not set: name the role that Mailstream logs in to Vault with." .Values.vault.auth) -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled (not .Values.networkPolicy.vault.to) -}}
{{- fail "networkPolicy.vault.to is not set: say where Vault is (a list of peers), or set networkPolicy.enabled=false." -}}
{{- end -}}
{{- end -}}
{{- if and .Values.monitoring.serviceMonitor.enabled .Values.networkPolicy.enabled (not .Values.networkPolicy.metricsFrom) -}}
{{- fail "monitoring.serviceMonitor.enabled is true, but the network policy lets no Prometheus in: set networkPolicy.metricsFrom, e.g. [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]." -}}
{{- end -}}
{{- if and .Values.firstTenant.name (not (contains "@" .Values.firstTenant.email)) -}}
{{- fail "firstTenant.name is set, but firstTenant.email is no address: a tenant needs somebody who can let others in." -}}
{{- end -}}
{{- range $process, $facts := include "mailstream.processes" . | fromYaml -}}
{{- $values := index $.Values $facts.key -}}
{{- if and $values.autoscaling.enabled (lt (int $values.autoscaling.maxReplicas) (int $values.autoscaling.minReplicas)) -}}
{{- fail (printf "%s.autoscaling.maxReplicas is below minReplicas." $facts.key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
