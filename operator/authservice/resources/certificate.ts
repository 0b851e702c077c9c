import type { ResolvedSpec } from '../api/resolved-spec.ts'
import { metadataOf } from './metadata.ts'
import type { Child, TemplateInput } from './render-input.ts'

/**
 * Asks cert-manager to fill the Secret that the edge or the Ingress shows. Until it has, the Secret holds a certificate
 * that cert-manager signs itself, so that pods can start.
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

/** Names that whatever stands in front answers to, the main one first. */
export function edgeHosts({ ingress, rollout }: Pick<ResolvedSpec, 'ingress' | 'rollout'>): string[] {
  const { previewHost } = rollout.blueGreen
  return [ingress.host, ...(previewHost === undefined ? [] : [previewHost])]
}

export function certificateName(authService: string): string {
  return `${authService}-edge`
}
