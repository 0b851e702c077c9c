import type { Preset } from '../presets.ts'
import type { ResolvedIngress, ResolvedTls } from '../resolved-spec.ts'
import type { AuthServiceSpec } from '../spec.ts'
import { resolveResources } from './resources.ts'

export function resolveIngress(
  ingress: AuthServiceSpec['ingress'],
  preset: Preset['ingress'],
  { host, ownSecretName }: { host: string; ownSecretName: string | undefined },
): ResolvedIngress {
  const nginx = ingress?.nginx
  const type = ingress?.type ?? preset.type
  const trustedProxies = ingress?.trustedProxies ?? []
  return {
    type,
    trustedProxyHops: ingress?.trustedProxyHops ?? (type === 'None' && trustedProxies.length === 0 ? 0 : 1),
    trustedProxies,
    host,
    tls: resolveTls(ingress?.tls, ownSecretName),
    nginx: {
      replicas: nginx?.replicas ?? preset.nginx.replicas,
      serviceType: nginx?.serviceType ?? preset.nginx.serviceType,
      nodePort: nginx?.nodePort === 0 ? undefined : nginx?.nodePort,
      resources: resolveResources(nginx?.resources, preset.nginx.resources),
    },
    className: ingress?.ingress?.className,
    annotations: ingress?.ingress?.annotations ?? {},
    parentRefs: ingress?.gateway?.parentRefs ?? [],
  }
}

type TlsSpec = NonNullable<AuthServiceSpec['ingress']>['tls']

function resolveTls({ secretName, issuerRef }: TlsSpec = {}, ownSecretName: string | undefined): ResolvedTls {
  if (secretName !== undefined && issuerRef !== undefined) {
    return { kind: 'issued', secretName, issuerRef: { kind: issuerRef.kind ?? 'Issuer', name: issuerRef.name } }
  }
  if (secretName !== undefined) return { kind: 'provided', secretName }
  if (ownSecretName !== undefined) return { kind: 'selfSigned', secretName: ownSecretName }
  return { kind: 'missing' }
}
