import { serverImage } from '../api/server-image.ts'
import { contentHash } from '../model/content-hash.ts'
import type { Manifest } from '../model/manifest.ts'
import { runsOtherRevision } from '../model/other-revisions.ts'
import type { PodTemplate } from '../model/revision.ts'
import type { DesiredSecret } from '../model/secret-data.ts'
import { findChild, type Snapshot } from '../model/snapshot.ts'
import { renderChildren } from './children.ts'
import { isEdgeSecretShown } from './edge/edge-secret.ts'
import { wantedMonitoring } from './monitoring/wanted.ts'
import { networkPolicyName } from './policy/network-policy.ts'
import type { Child, Placement } from './render-input.ts'
import { serverTemplate } from './server/server.ts'

/** Images of the release of the operator; an AuthService may override that of the server. */
export interface Images {
  server: string
  /** Image that sets up a managed MongoDB; defaults to that of the server. */
  helper?: string
  redis: string
  mongodb: string
  nginx: string
}

/** The part that can be rendered before it is decided where revisions run. */
export interface Rendering {
  /** The revision of the spec. */
  wanted: {
    /** Hash of the template: everything that results in new pods. The colour is only where it runs. */
    revision: string
    template: PodTemplate
    image: string
  }
  /** Every desired child for these colours. */
  childrenFor(placement: Placement): Child[]
}

/** Renders the children of an AuthService from observations and decisions. */
export function render(
  snapshot: Snapshot,
  images: Images,
  secrets: readonly DesiredSecret[],
  restartedBy: string | undefined,
): Rendering {
  const { authService, resolved, referencedSecrets, exposure } = snapshot
  const { name, namespace, uid } = authService.metadata
  const image = serverImage(resolved, images.server)
  const input = {
    owner: { name, namespace, uid },
    resolved,
    images: { ...images, server: image, setup: images.helper ?? images.server },
    restartedBy,
    secrets,
    referencedSecrets,
    exposure,
    edgeShowsSecret: isEdgeSecretShown(snapshot, secrets),
  }
  const monitoring = wantedMonitoring(resolved.monitoring, exposure.availabilities)
  const template = serverTemplate(input)
  const revision = contentHash(template)
  const keptEgress = runsOtherRevision(snapshot, revision) ? serverEgress(snapshot) : []
  return {
    wanted: { revision, template, image },
    childrenFor: (placement) => renderChildren({ ...input, monitoring, placement, keptEgress }),
  }
}

/** Egress that server pods have now. */
function serverEgress(snapshot: Snapshot): readonly unknown[] {
  type NetworkPolicy = Manifest & { spec?: { egress?: readonly unknown[] } }
  const name = networkPolicyName(snapshot.authService.metadata.name, 'server')
  return findChild<NetworkPolicy>(snapshot, 'NetworkPolicy', name)?.spec?.egress ?? []
}
