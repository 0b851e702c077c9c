import type { ResolvedSpec } from '../api/resolved-spec.ts'
import type { Exposure } from '../model/exposure.ts'
import type { Finding } from '../model/finding.ts'
import { gatewayShortcomings } from '../resources/ingress/http-route.ts'
import { shortcomings } from '../resources/ingress/ingress-controllers.ts'
import { rateLimitIntent } from '../resources/rate-limits.ts'

/** What the cluster lacks for the exposure of the spec, and what it does differently. */
export function findIngressProblems(resolved: ResolvedSpec, exposure: Exposure): Finding[] {
  return [
    ...findMissingCertificate(resolved),
    ...findMissingIssuer(resolved, exposure),
    ...findExposureProblems(resolved, exposure),
  ]
}

function blocking(reason: Finding['reason'], message: string): Finding {
  return { kind: 'blocking', condition: 'IngressReady', reason, message, blocks: 'exposure' }
}

function warnings(messages: readonly string[]): Finding[] {
  return messages.map((message) => ({ kind: 'warning', condition: 'IngressReady', reason: 'LimitedByFront', message }))
}

function findMissingCertificate({ ingress, environment }: ResolvedSpec): Finding[] {
  if (ingress.type !== 'Nginx' || ingress.tls.kind !== 'missing') return []
  const message =
    `${environment} requires a certificate for ${ingress.host}: create a Secret of type kubernetes.io/tls and name it in ` +
    'spec.ingress.tls.secretName, or name a cert-manager issuer in issuerRef that writes it; ' +
    'or write environment: development, in which the operator signs a certificate.'
  return [blocking('CertificateRequired', message)]
}

function findMissingIssuer({ ingress }: ResolvedSpec, { availabilities }: Exposure): Finding[] {
  if (ingress.tls.kind !== 'issued' || ingress.type === 'None' || ingress.type === 'Gateway') return []
  switch (availabilities.certificate) {
    case 'available':
      return []
    case 'forbidden':
      return [
        blocking(
          'KindNotAvailable',
          `The operator has no permission to use Certificates of cert-manager: apply manifests/base.`,
        ),
      ]
    case 'absent': {
      const message =
        'spec.ingress.tls.issuerRef needs cert-manager, but this cluster does not have the kind Certificate of cert-manager.io/v1: ' +
        `install cert-manager, or remove issuerRef and write the certificate to Secret ${ingress.tls.secretName} yourself.`
      return [blocking('KindNotAvailable', message)]
    }
  }
}

function findExposureProblems({ ingress, rateLimits, traits }: ResolvedSpec, exposure: Exposure): Finding[] {
  switch (ingress.type) {
    case 'Nginx':
    case 'None':
      return []
    case 'Ingress':
      return [
        ...findMissingClass(ingress, exposure),
        ...warnings(
          exposure.ingressClass || exposure.availabilities.ingressClass !== 'available'
            ? shortcomings(exposure, rateLimitIntent(rateLimits), traits)
            : [],
        ),
        ...warnings(findUnnamedProxies(ingress)),
      ]
    case 'Gateway':
      return [
        ...findMissingGatewayKind(exposure),
        ...warnings([...gatewayShortcomings(exposure), ...findUnnamedProxies(ingress)]),
      ]
  }
}

/** The operator cannot know the pods of a controller, nor the addresses that they connect from. */
function findUnnamedProxies({ trustedProxies }: ResolvedSpec['ingress']): string[] {
  if (trustedProxies.length > 0) return []
  return [
    'Any pod that reaches the Service can choose the address that limits count: write the networks of the controller in trustedProxies.',
  ]
}

function findMissingClass(
  { className }: ResolvedSpec['ingress'],
  { availabilities, ingressClass }: Exposure,
): Finding[] {
  if (availabilities.ingressClass !== 'available' || ingressClass !== undefined) return []
  const message =
    className === undefined
      ? 'This cluster has no default IngressClass: name one in spec.ingress.ingress.className (kubectl get ingressclasses).'
      : `This cluster has no IngressClass ${className}: install its controller, or write another one (kubectl get ingressclasses).`
  return [blocking('IngressClassNotFound', message)]
}

function findMissingGatewayKind({ availabilities }: Exposure): Finding[] {
  switch (availabilities.httpRoute) {
    case 'available':
      return []
    case 'forbidden':
      return [blocking('KindNotAvailable', 'The operator has no permission to use HTTPRoutes: apply manifests/base.')]
    case 'absent': {
      const message =
        'spec.ingress.type Gateway needs the Gateway API, but this cluster does not have the kind HTTPRoute of ' +
        'gateway.networking.k8s.io/v1: install a controller for it, or write another type.'
      return [blocking('KindNotAvailable', message)]
    }
  }
}
