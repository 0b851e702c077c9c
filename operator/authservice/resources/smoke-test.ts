import { imagePullSecrets } from './image-pull-secrets.ts'
import { labelsOf, metadataOf } from './metadata.ts'
import { containerSecurity, podDefaults, podSecurity, users } from './pod-security.ts'
import type { Child, RenderInput } from './render-input.ts'
import { previewName } from './server.ts'

/**
 * Logs a user in at the colour that may get the traffic, and checks that both colours see the same sessions. It runs
 * once: what fails here would fail for users as well. A pod that is drained away is no failure.
 */
export function renderSmokeTest(input: RenderInput): Child[] {
  const { owner, resolved, placement } = input
  if (placement.smokeTest === undefined) return []
  const { name, image } = placement.smokeTest
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
          metadata: { labels: labelsOf(owner.name, 'smoke-test') },
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
                ],
                resources: { requests: { cpu: '10m', memory: '48Mi' }, limits: { memory: '128Mi' } },
                securityContext: containerSecurity,
                // What it says last becomes a part of the AuthService's status.
                terminationMessagePolicy: 'FallbackToLogsOnError',
              },
            ],
          },
        },
      },
    },
  ]
}
