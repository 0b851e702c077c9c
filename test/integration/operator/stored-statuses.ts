import { type RolloutPhase, rolloutPhases } from '../../../operator/authservice/rollout/decide/phases.ts'

const at = '2026-11-29T12:00:00Z'
const image = 'example.com/api-server:0.1.0'

/** A status as release 0.1.0 wrote it in the middle of a rollout, with every field that its schema has. */
function statusIn(phase: RolloutPhase) {
  return {
    observedGeneration: 1,
    phase: 'Progressing',
    version: '0.1.0 (spec: 0.1.1)',
    endpoint: 'https://auth.example.com',
    activeColor: 'blue',
    currentRevision: '0123456789abcdef',
    replicas: 3,
    readyReplicas: 2,
    selector: 'app.kubernetes.io/instance=accounts',
    conditions: [
      {
        type: 'Ready',
        status: 'False',
        observedGeneration: 1,
        lastTransitionTime: at,
        reason: 'RolloutInProgress',
        message: 'the new revision is tested',
      },
    ],
    rollout: {
      phase,
      revision: 'fedcba9876543210',
      targetColor: 'green',
      startedAt: at,
      phaseStartedAt: at,
      deadline: at,
      message: 'waits for its pods',
      smokeTest: { passed: true, message: 'passed' },
      analysis: { verdict: 'Good', message: '0 of 20 requests failed', hadOutage: false },
      lastOutcome: 'Promoted',
      failedRevision: '00112233445566aa',
      failure: 'the pods did not become ready',
      rolledBack: { to: '0123456789abcdef', insteadOf: '00112233445566aa' },
    },
    revisions: [
      {
        name: '0123456789abcdef',
        number: 1,
        image,
        createdAt: at,
      },
    ],
    secrets: [
      {
        name: 'accounts-keys',
        keyId: 'first',
        state: 'Active',
        createdAt: at,
        activateAt: at,
        retireAt: at,
        nextRotationAt: at,
      },
    ],
    checklist: [{ item: 'Backups', ok: false, message: 'set spec.backup' }],
    actions: [{ name: 'restart', value: '1', takenAt: at, message: 'the pods were replaced' }],
  }
}

/** A stored status of each phase of a rollout, by the name of its AuthService. */
export const storedStatuses: ReadonlyMap<string, ReturnType<typeof statusIn>> = new Map(
  rolloutPhases.map((phase) => [`in-${phase.toLowerCase()}`, statusIn(phase)]),
)
