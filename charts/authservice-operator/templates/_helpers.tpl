{{/* Labels that select the operator's pods. They never change, because a Deployment's selector cannot. */}}
{{- define "selectorLabels" -}}
app.kubernetes.io/name: authservice-operator
app.kubernetes.io/component: operator
{{- end }}

{{- define "partOf" -}}
app.kubernetes.io/part-of: authservice-operator
{{- end }}

{{/* The images of this version: operator, server and helper. */}}
{{- define "releasedImages" -}}
{{ .Files.Get "files/images.yaml" }}
{{- end }}

{{/* The operator's image: by digest if there is one, else by tag; as released if the values change neither. */}}
{{- define "image" -}}
{{- $released := include "releasedImages" . | fromYaml -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else if or .tag (ne .repository "ghcr.io/authservice-operator/operator") -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- else -}}
{{ $released.operator }}
{{- end }}
{{- end }}
{{- end }}

{{/* The subject of every binding. */}}
{{- define "subjects" -}}
- kind: ServiceAccount
  name: authservice-operator
  namespace: {{ .Release.Namespace }}
{{- end }}
