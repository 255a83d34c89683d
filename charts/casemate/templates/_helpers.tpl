{{- define "casemate.selectorLabels" -}}
app.kubernetes.io/name: casemate
app.kubernetes.io/component: operator
{{- end }}

{{- define "casemate.commonLabels" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: casemate
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "casemate.labels" -}}
{{ include "casemate.selectorLabels" . }}
{{ include "casemate.commonLabels" . }}
{{- end }}

{{- /* An image by digest: takes the context and an image whose empty parts come from .Values.image. */}}
{{- define "casemate.image" -}}
{{- $given := .image -}}
{{- $default := .context.Values.image -}}
{{- $registry := coalesce .context.Values.global.imageRegistry $given.registry $default.registry -}}
{{- $repository := coalesce $given.repository $default.repository -}}
{{- $digest := coalesce $given.digest $default.digest -}}
{{- if not $digest }}
{{- fail "image.digest is required, as sha256:…: images are accepted by digest only" }}
{{- end -}}
{{- printf "%s/%s@%s" $registry $repository $digest -}}
{{- end }}
