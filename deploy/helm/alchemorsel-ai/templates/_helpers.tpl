{{- define "ai.name" -}}
{{- .Release.Name | trunc 30 | trimSuffix "-" -}}
{{- end -}}

{{- define "ai.labels" -}}
app.kubernetes.io/name: alchemorsel-ai
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "ai.image" -}}
{{- .repository -}}{{- if .digest -}}@{{ .digest }}{{- else -}}:{{ required "image.tag or image.digest is required" .tag }}{{- end -}}
{{- end -}}

{{/* A model's name as that of a Kubernetes object: llama3.2:3b is llama3-2-3b. */}}
{{- define "ai.slug" -}}
{{- regexReplaceAll "[^a-z0-9]+" (lower .) "-" | trunc 20 | trimAll "-" -}}
{{- end -}}

{{/* What no schema can say. */}}
{{- define "ai.check" -}}
{{- $names := list -}}
{{- $slugs := list -}}
{{- range .Values.models -}}
{{- $names = append $names .name -}}
{{- $slugs = append $slugs (include "ai.slug" .name) -}}
{{- end -}}
{{- if ne (len $names) (len (uniq $names)) -}}{{- fail "models: each model once" -}}{{- end -}}
{{- if ne (len $slugs) (len (uniq $slugs)) -}}
{{- fail (printf "models: two names are the same object name: %s" (join ", " $slugs)) -}}
{{- end -}}
{{- if not (has .Values.defaultModel $names) -}}
{{- fail (printf "defaultModel: no server has the model %s; models has %s" .Values.defaultModel (join ", " $names)) -}}
{{- end -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.redis.url) -}}
{{- fail "replicas: more than one need redis.url, in which they share answers, locks and rates" -}}
{{- end -}}
{{- if and .Values.redis.url .Values.redis.username (not .Values.redis.existingSecret) -}}
{{- fail "redis.existingSecret: needed beside redis.username, with the key redis_password" -}}
{{- end -}}
{{- end -}}

{{- define "ai.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "ai.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
