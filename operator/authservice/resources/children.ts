import { metadataOf } from '../model/labels.ts'
import { renderMongoDb } from './databases/mongodb.ts'
import { renderPasswordRotation } from './databases/password-rotation.ts'
import { renderRedis } from './databases/redis.ts'
import { renderCertificate } from './edge/certificate.ts'
import { renderEdge } from './edge/edge.ts'
import { renderHttpRoute } from './ingress/http-route.ts'
import { renderIngresses } from './ingress/ingress.ts'
import { renderPreview } from './ingress/preview.ts'
import { renderBackup } from './jobs/backup.ts'
import { renderMigrations } from './jobs/migration.ts'
import { renderSmokeTest } from './jobs/smoke-test.ts'
import { renderMonitoring } from './monitoring/render-monitoring.ts'
import { renderNetworkPolicies } from './policy/network-policy.ts'
import type { Child, RenderInput } from './render-input.ts'
import { renderRevisions } from './revisions.ts'
import { renderSecrets } from './secrets.ts'
import { renderPages } from './server/pages.ts'
import { renderAutoscaler, renderDisruptionBudgets } from './server/scaling.ts'
import { renderServers, renderServices } from './server/server.ts'

/** All desired children of one AuthService. Other children are pruned. */
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
    ...renderPages(input),
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

/** The ServiceAccount of the pods. It has no permissions. */
function serviceAccount(input: RenderInput): Child {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadataOf(input, input.owner.name),
    automountServiceAccountToken: false,
  }
}
