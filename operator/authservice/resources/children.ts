import { renderBackup } from './backup.ts'
import { renderCertificate } from './certificate.ts'
import { renderEdge } from './edge.ts'
import { renderHttpRoute } from './http-route.ts'
import { renderIngresses } from './ingress.ts'
import { metadataOf } from './metadata.ts'
import { renderMigrations } from './migration.ts'
import { renderMongoDb } from './mongodb.ts'
import { renderMonitoring } from './monitoring/render-monitoring.ts'
import { renderNetworkPolicies } from './network-policy.ts'
import { renderPasswordRotation } from './password-rotation.ts'
import { renderPreview } from './preview.ts'
import { renderRedis } from './redis.ts'
import type { Child, RenderInput } from './render-input.ts'
import { renderRevisions } from './revisions.ts'
import { renderAutoscaler, renderDisruptionBudgets } from './scaling.ts'
import { renderSecrets } from './secrets.ts'
import { renderServers, renderServices } from './server.ts'
import { renderSmokeTest } from './smoke-test.ts'

export type { Child, RenderInput } from './render-input.ts'

/** Everything that one AuthService is to have. What is there beyond that is pruned. */
export function renderChildren(input: RenderInput): Child[] {
  return [
    serviceAccount(input),
    ...renderSecrets(input),
    ...renderRedis(input),
    ...renderMongoDb(input),
    ...renderMigrations(input),
    ...renderPasswordRotation(input),
    ...renderBackup(input),
    ...renderRevisions(input),
    ...renderServers(input),
    ...renderServices(input),
    ...renderSmokeTest(input),
    ...renderAutoscaler(input),
    ...renderDisruptionBudgets(input),
    ...renderCertificate(input),
    ...renderEdge(input),
    ...renderIngresses(input),
    ...renderHttpRoute(input),
    ...renderPreview(input),
    ...renderNetworkPolicies(input),
    ...renderMonitoring(input),
  ]
}

/** What the pods run as: an account that may do nothing. */
function serviceAccount(input: RenderInput): Child {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadataOf(input, input.owner.name),
    automountServiceAccountToken: false,
  }
}
