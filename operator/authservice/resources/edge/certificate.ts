import { edgeHosts } from '../../api/edge-hosts.ts'
import { metadataOf } from '../../model/labels.ts'
import type { Child, TemplateInput } from '../render-input.ts'

/**
 * Requests a certificate from cert-manager for the Secret of the edge or the Ingress. Until it is issued, the Secret
 * contains a temporary certificate that cert-manager signs itself, so that pods can start.
 * @see https://cert-manager.io/docs/usage/certificate/
 */
export function renderCertificate(input: TemplateInput): Child[] {
  const { type, tls } = input.resolved.ingress
  if ((type !== 'Nginx' && type !== 'Ingress') || tls.kind !== 'issued') return []
  return [
    {
      apiVersion: 'cert-manager.io/v1',
      kind: 'Certificate',
      metadata: {
        ...metadataOf(input, certificateName(input.owner.name), 'edge'),
        annotations: { 'cert-manager.io/issue-temporary-certificate': 'true' },
      },
      spec: {
        secretName: tls.secretName,
        dnsNames: edgeHosts(input.resolved),
        issuerRef: { group: 'cert-manager.io', kind: tls.issuerRef.kind, name: tls.issuerRef.name },
        privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
        usages: ['digital signature', 'server auth'],
      },
    },
  ]
}

export function certificateName(authService: string): string {
  return `${authService}-edge`
}
