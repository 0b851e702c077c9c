import { serverImage } from './api/server-image.ts'
import { contentHash } from './apply/content-hash.ts'
import type { Manifest } from './apply/plan.ts'
import { wantedMonitoring } from './monitoring.ts'
import { type Child, renderChildren } from './resources/children.ts'
import { networkPolicyName } from './resources/network-policy.ts'
import type { Placement } from './resources/render-input.ts'
import { serverTemplate } from './resources/server.ts'
import { runsOtherRevision } from './rollout/other-revisions.ts'
import type { PodTemplate } from './rollout/revisions.ts'
import type { DesiredSecret } from './secrets/secret-data.ts'
import { findChild, type Snapshot } from './snapshot.ts'

/** Images that the operator was released with; an AuthService may replace the server's. */
export interface Images {
  server: string
  redis: string
  mongodb: string
  nginx: string
}

/** What can be made for an AuthService, before it is decided where revisions run. */
export interface Rendering {
  /** The revision that the spec asks for. */
  wanted: {
    /** Hash of the template: a revision is what makes a new pod, and the colour is only where it runs. */
    revision: string
    template: PodTemplate
    image: string
  }
  /** Every child that is wanted while the colours are so. */
  childrenFor(placement: Placement): Child[]
}

/** Makes the children of an AuthService from what was seen and decided. */
export function render(
  snapshot: Snapshot,
  images: Images,
  secrets: readonly DesiredSecret[],
  restartedBy: string | undefined,
): Rendering {
  const { authService, resolved, referencedSecrets, front } = snapshot
  const { name, namespace, uid } = authService.metadata
  const image = serverImage(resolved, images.server)
  const input = {
    owner: { name, namespace, uid },
    resolved,
    images: { ...images, server: image, setup: images.server },
    restartedBy,
    secrets,
    referencedSecrets,
    front,
  }
  const monitoring = wantedMonitoring(resolved.monitoring, front.availabilities)
  const template = serverTemplate(input)
  const revision = contentHash(template)
  const keptEgress = runsOtherRevision(snapshot, revision) ? serverEgress(snapshot) : []
  return {
    wanted: { revision, template, image },
    childrenFor: (placement) => renderChildren({ ...input, monitoring, placement, keptEgress }),
  }
}

/** What server pods may reach now. */
function serverEgress(snapshot: Snapshot): readonly unknown[] {
  type NetworkPolicy = Manifest & { spec?: { egress?: readonly unknown[] } }
  const name = networkPolicyName(snapshot.authService.metadata.name, 'server')
  return findChild<NetworkPolicy>(snapshot, 'NetworkPolicy', name)?.spec?.egress ?? []
}
