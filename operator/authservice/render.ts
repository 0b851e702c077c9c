import { serverImage } from './api/server-image.ts'
import { contentHash } from './apply/content-hash.ts'
import type { Manifest } from './apply/plan.ts'
import { type Child, type RenderInput, renderChildren } from './resources/children.ts'
import { renderServer } from './resources/server.ts'
import type { Color } from './rollout/decide.ts'
import type { DesiredSecret } from './secrets/secret-data.ts'
import type { Snapshot } from './snapshot.ts'

/** Images that the operator was released with; an AuthService may replace the server's. */
export interface Images {
  server: string
  redis: string
  mongodb: string
  nginx: string
}

/** What can be made for an AuthService, before it is decided which colour is active. */
export interface Rendering {
  /** Hash of the server's pod template, the same for both colours. */
  revision: string
  /** Every child that is wanted while this colour is active. */
  childrenFor(activeColor: Color): Child[]
}

/** Makes the children of an AuthService from what was seen and decided. */
export function render(
  { authService, resolved, referencedSecrets }: Snapshot,
  images: Images,
  secrets: readonly DesiredSecret[],
  restartedBy: string | undefined,
): Rendering {
  const { name, namespace, uid } = authService.metadata
  const input = {
    owner: { name, namespace, uid },
    resolved,
    images: { ...images, server: serverImage(resolved, images.server), setup: images.server },
    restartedBy,
    secrets,
    referencedSecrets,
  }
  return {
    revision: revisionOf(input),
    childrenFor: (activeColor) => renderChildren({ ...input, activeColor }),
  }
}

/** A revision is what makes a new pod. The colour is where it runs, so one of them stands for both. */
function revisionOf(input: Omit<RenderInput, 'activeColor'>): string {
  const deployment: Manifest & { spec?: { template?: object } } = renderServer({ ...input, activeColor: 'blue' })
  return contentHash(deployment.spec?.template)
}
