import type { ResolvedSpec } from './api/resolved-spec.ts'
import type { Finding } from './finding.ts'
import type { Front } from './front.ts'
import { gatewayShortcomings } from './resources/http-route.ts'
import { shortcomings } from './resources/ingress-controllers.ts'
import { rateLimitIntent } from './resources/rate-limits.ts'

/** What the cluster lacks for the way in that a spec asks for, and what it does otherwise than the spec says. */
export function findIngressProblems(resolved: ResolvedSpec, front: Front): Finding[] {
  return [...findMissingCertificate(resolved), ...findMissingIssuer(resolved, front), ...findFront(resolved, front)]
}

function stall(reason: Finding['reason'], message: string): Finding {
  return { kind: 'stall', condition: 'IngressReady', reason, message }
}

function notes(messages: readonly string[]): Finding[] {
  return messages.map((message) => ({ kind: 'note', condition: 'IngressReady', reason: 'LimitedByFront', message }))
}

function findMissingCertificate({ ingress, environment }: ResolvedSpec): Finding[] {
  if (ingress.type !== 'Nginx' || ingress.tls.kind !== 'missing') return []
  const message =
    `${environment} needs a certificate for ${ingress.host}: make a Secret of type kubernetes.io/tls and name it in ` +
    'spec.ingress.tls.secretName, and name an issuer of cert-manager in issuerRef to have it filled; ' +
    'or write environment: development, where the operator signs one itself.'
  return [stall('CertificateRequired', message)]
}

function findMissingIssuer({ ingress }: ResolvedSpec, { availabilities }: Front): Finding[] {
  if (ingress.tls.kind !== 'issued' || ingress.type === 'None' || ingress.type === 'Gateway') return []
  switch (availabilities.certificate) {
    case 'available':
      return []
    case 'forbidden':
      return [stall('KindNotAvailable', `The operator may not use Certificates of cert-manager: apply manifests/base.`)]
    case 'absent': {
      const message =
        'spec.ingress.tls.issuerRef needs cert-manager, and this cluster has no kind Certificate of cert-manager.io/v1: ' +
        `install cert-manager, or remove issuerRef and fill Secret ${ingress.tls.secretName} yourself.`
      return [stall('KindNotAvailable', message)]
    }
  }
}

function findFront({ ingress, rateLimits, traits }: ResolvedSpec, front: Front): Finding[] {
  switch (ingress.type) {
    case 'Nginx':
    case 'None':
      return []
    case 'Ingress':
      return [
        ...findMissingClass(ingress, front),
        ...notes(
          front.ingressClass || front.availabilities.ingressClass !== 'available'
            ? shortcomings(front, rateLimitIntent(rateLimits), traits)
            : [],
        ),
      ]
    case 'Gateway':
      return [...findMissingGatewayKind(front), ...notes(gatewayShortcomings(front))]
  }
}

function findMissingClass({ className }: ResolvedSpec['ingress'], { availabilities, ingressClass }: Front): Finding[] {
  if (availabilities.ingressClass !== 'available' || ingressClass !== undefined) return []
  const message =
    className === undefined
      ? 'This cluster has no default IngressClass: name one in spec.ingress.ingress.className (kubectl get ingressclasses).'
      : `This cluster has no IngressClass ${className}: install its controller, or write another one (kubectl get ingressclasses).`
  return [stall('IngressClassNotFound', message)]
}

function findMissingGatewayKind({ availabilities }: Front): Finding[] {
  switch (availabilities.httpRoute) {
    case 'available':
      return []
    case 'forbidden':
      return [stall('KindNotAvailable', 'The operator may not use HTTPRoutes: apply manifests/base.')]
    case 'absent': {
      const message =
        'spec.ingress.type Gateway needs the Gateway API, and this cluster has no kind HTTPRoute of ' +
        'gateway.networking.k8s.io/v1: install a controller of it, or write another type.'
      return [stall('KindNotAvailable', message)]
    }
  }
}
