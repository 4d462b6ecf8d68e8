{{/* The name of the installation and of its objects: one is enough for a cluster. */}}
{{- define "vnet-operator.name" -}}
{{- default "vnet-operator" .Values.fullnameOverride | trunc 53 | trimSuffix "-" -}}
{{- end }}

{{- define "vnet-operator.serviceAccount" -}}
{{- if .Values.serviceAccount.name -}}
{{- .Values.serviceAccount.name -}}
{{- else -}}
{{- include "vnet-operator.name" . -}}
{{- end -}}
{{- end }}

{{/* The user that the API server takes the operator for. */}}
{{- define "vnet-operator.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "vnet-operator.serviceAccount" . }}
{{- end }}

{{- define "vnet-operator.selector" -}}
app.kubernetes.io/name: vnet-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "vnet-operator.labels" -}}
{{ include "vnet-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "vnet-operator.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end }}

{{/*
What a pod of the chart has to have to be admitted by the restricted Pod Security Standard. The user is that of the image, or
one that the cluster assigns, as OpenShift does.
*/}}
{{- define "vnet-operator.podSecurity" -}}
runAsNonRoot: true
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "vnet-operator.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
privileged: false
capabilities: {drop: [ALL]}
{{- end }}
