import type { ResolvedMfa } from '../../api/resolved-spec.ts'
import { jobPodMetadata, labelsOf, metadataOf } from '../../model/labels.ts'
import { imagePullSecrets } from '../image-pull-secrets.ts'
import { jobResources } from '../job-resources.ts'
import { containerSecurity, podDefaults, podSecurity, users } from '../pod-security.ts'
import type { Child, RenderInput } from '../render-input.ts'
import { previewName } from '../server/server.ts'

/**
 * Logs a user in at the colour that is about to receive the traffic, and checks that both colours see the same
 * sessions. It runs once, because a failure here would also affect users. An eviction by a drain does not count as a
 * failure.
 */
export function renderSmokeTest(input: RenderInput): Child[] {
  const { owner, resolved, placement } = input
  if (placement.smokeTest === undefined) return []
  const { name, image, unshared } = placement.smokeTest
  const urlOf = (service: string) => `http://${service}.${owner.namespace}.svc`
  return [
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: metadataOf(input, name, 'smoke-test'),
      spec: {
        backoffLimit: 0,
        activeDeadlineSeconds: resolved.rollout.smokeTest.timeoutSeconds,
        podFailurePolicy: {
          rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
        },
        template: {
          metadata: jobPodMetadata(input.resolved, labelsOf(owner.name, 'smoke-test')),
          spec: {
            ...podDefaults,
            serviceAccountName: owner.name,
            ...imagePullSecrets(input),
            restartPolicy: 'Never',
            securityContext: podSecurity(users.server),
            containers: [
              {
                name: 'smoke-test',
                image,
                imagePullPolicy: 'IfNotPresent',
                command: ['node', 'smoke-test/main.js'],
                env: [
                  { name: 'LIVE_URL', value: urlOf(owner.name) },
                  { name: 'PREVIEW_URL', value: urlOf(previewName(input)) },
                  ...(needsPasskey(resolved.mfa) ? [{ name: 'NEEDS_PASSKEY', value: 'true' }] : []),
                  ...(unshared.length === 0 ? [] : [{ name: 'COLORS_APART', value: unshared.join(',') }]),
                ],
                resources: jobResources(resolved, {
                  requests: { cpu: '10m', memory: '48Mi' },
                  limits: { memory: '128Mi' },
                }),
                securityContext: containerSecurity,
                // Its termination message becomes part of the status of the AuthService.
                terminationMessagePolicy: 'FallbackToLogsOnError',
              },
            ],
          },
        },
      },
    },
  ]
}

/** Whether a new user must add a second factor, and it cannot be an authenticator app. New users have no grace period. */
function needsPasskey({ mode, requiredRoles, totpEnabled }: ResolvedMfa): boolean {
  if (totpEnabled) return false
  switch (mode) {
    case 'Disabled':
      return false
    case 'Optional':
      return requiredRoles.includes('user')
    case 'Required':
      return true
  }
}
