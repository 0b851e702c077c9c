import Type, { type Static } from 'typebox'
import { type FieldOptions, listAtomic } from './fields.ts'

/** A time in the format of Kubernetes: RFC 3339. */
const instant = (description: string) => Type.String({ format: 'date-time', description })
const word = (options: FieldOptions) => Type.String({ maxLength: 253, ...options })
const sentence = (description: string) => Type.String({ maxLength: 32_768, description })
const count = (description: string) => Type.Integer({ minimum: 0, format: 'int32', description })

const listMapBy = (key: string) => ({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] })

/** The shape of meta/v1 Condition. */
export const ConditionSchema = Type.Object(
  {
    type: Type.String({ maxLength: 316, description: 'Type of the condition.' }),
    status: Type.Enum(['True', 'False', 'Unknown'], { description: 'Status of the condition.' }),
    observedGeneration: Type.Integer({
      minimum: 0,
      format: 'int64',
      description: 'Generation that the condition describes.',
    }),
    lastTransitionTime: instant('When `status` last changed.'),
    reason: Type.String({ minLength: 1, maxLength: 1024, description: 'Reason in one word.' }),
    message: sentence('Reason in a sentence.'),
  },
  { description: 'One aspect of the current state.' },
)

const color = (description: string) => Type.Enum(['blue', 'green'], { description })

const RolloutStatusSchema = Type.Object(
  {
    phase: word({ description: 'Phase of the rollout.' }),
    revision: word({ description: 'Revision that is rolling out or has been rolled out.' }),
    targetColor: Type.Optional(color('Colour to which the revision is rolled out.')),
    startedAt: Type.Optional(instant('When the rollout of this revision started.')),
    phaseStartedAt: Type.Optional(instant('When the phase began.')),
    deadline: Type.Optional(instant('Deadline after which the rollout has failed.')),
    waitingSince: Type.Optional(
      instant('Since when the revision has waited for a place among the concurrent rollouts.'),
    ),
    message: Type.Optional(sentence('What the operator is waiting for.')),
    until: Type.Optional(instant('When the wait that `message` describes ends.')),
    smokeTest: Type.Optional(
      Type.Object(
        { passed: Type.Boolean(), message: Type.Optional(sentence('Result.')) },
        { description: 'Last smoke test.' },
      ),
    ),
    retest: Type.Optional(
      Type.Object(
        {
          count: count('Number of discarded tests.'),
          hadOutage: Type.Boolean({
            description: 'Whether a database has been unavailable for all revisions since then.',
          }),
        },
        { description: 'Repetition of the smoke test after an outage.' },
      ),
    ),
    analysis: Type.Optional(
      Type.Object(
        {
          verdict: word({ description: 'Verdict.' }),
          message: Type.Optional(sentence('Figures.')),
          hadOutage: Type.Optional(
            Type.Boolean({ description: 'Whether a database was unavailable for all revisions during the analysis.' }),
          ),
        },
        { description: 'Last analysis of live traffic.' },
      ),
    ),
    lastOutcome: Type.Optional(
      Type.Enum(['Promoted', 'RolledBack', 'Aborted', 'Superseded', 'DeadlineExceeded'], {
        description: 'How the last rollout ended.',
      }),
    ),
    failedRevision: Type.Optional(
      word({ description: 'Failed revision, which is not retried until the spec changes.' }),
    ),
    failure: Type.Optional(sentence('Why it failed.')),
    rolledBack: Type.Optional(
      Type.Object(
        {
          to: word({ description: 'Requested revision.' }),
          insteadOf: word({ description: 'Revision of the spec at that time.' }),
        },
        { description: 'Revision that a user returned to. It applies until the spec results in another revision.' },
      ),
    ),
  },
  { description: 'State of the rollout.' },
)

const RevisionSchema = Type.Object(
  {
    name: word({ description: 'Hash of the pod template.' }),
    number: Type.Integer({ minimum: 1, format: 'int64', description: 'Consecutive number of the revision.' }),
    image: Type.Optional(Type.String({ maxLength: 512, description: 'Image of the server.' })),
    createdAt: Type.Optional(instant('When it was created.')),
    servedAt: Type.Optional(instant('When it last started to receive traffic; missing if it never did.')),
    outcome: Type.Optional(
      Type.Enum(['Promoted', 'RolledBack', 'Aborted', 'Superseded', 'DeadlineExceeded'], {
        description: 'How its last rollout ended.',
      }),
    ),
    failure: Type.Optional(Type.String({ maxLength: 1024, description: 'Why it failed, if it did.' })),
  },
  { description: 'One revision.' },
)

const SecretStatusSchema = Type.Object(
  {
    name: word({ description: 'Name of the Secret.' }),
    keyId: word({ description: 'Key in the Secret: the `kid` of a signing key, or the name of the data key.' }),
    state: Type.Enum(['Pending', 'Active', 'Accepted', 'Retired'], {
      description:
        'Pending: not used yet. Active: in use. Accepted: still valid, but no longer used. Retired: refused.',
    }),
    createdAt: Type.Optional(instant('When it was created.')),
    activateAt: Type.Optional(instant('When it becomes active.')),
    retireAt: Type.Optional(instant('When it is no longer accepted.')),
    nextRotationAt: Type.Optional(instant('When it is replaced.')),
  },
  { description: 'State of one secret.' },
)

const ChecklistItemSchema = Type.Object(
  {
    item: word({ description: 'Name of the item.' }),
    ok: Type.Boolean({ description: 'Whether the item is fulfilled.' }),
    message: Type.Optional(sentence('What to do if it is not.')),
  },
  { description: 'One item of the production checklist.' },
)

const ActionSchema = Type.Object(
  {
    name: word({ description: 'Annotation without its prefix, such as `restart`.' }),
    value: word({ description: 'Value of the last action.' }),
    takenAt: instant('When.'),
    message: Type.Optional(sentence('Result of the action.')),
  },
  { description: 'An action that was taken and is not repeated.' },
)

const FinishedJobSchema = Type.Object(
  {
    name: word({ description: 'Name of the Job.' }),
    attempt: Type.Integer({
      minimum: 0,
      format: 'int64',
      description: 'Attempt of the revision for which it was created.',
    }),
    completedAt: instant('When it completed.'),
    expiresAt: instant('When its time-to-live ends.'),
  },
  { description: 'A completed migration whose Job has a time-to-live.' },
)

export const AuthServiceStatusSchema = Type.Object(
  {
    observedGeneration: Type.Optional(
      Type.Integer({
        minimum: -1,
        format: 'int64',
        description: 'Generation of the spec that this status describes; -1 before the first reconcile.',
      }),
    ),
    phase: Type.Optional(word({ description: 'Phase: a summary of the conditions in one word.' })),
    version: Type.Optional(
      Type.String({
        maxLength: 512,
        description:
          'Version of the running server, with the desired version if it differs, as in `1.4.0 (spec: 1.5.0)`.',
      }),
    ),
    endpoint: Type.Optional(Type.String({ maxLength: 512, description: 'URL of the server.' })),
    activeColor: Type.Optional(color('Colour that receives the traffic.')),
    currentRevision: Type.Optional(word({ description: 'The last good revision, to which a failed rollout returns.' })),
    replicas: Type.Optional(count('Number of server pods of the active colour.')),
    readyReplicas: Type.Optional(count('Number of ready server pods.')),
    selector: Type.Optional(
      Type.String({ maxLength: 1024, description: 'Label selector of the server pods, for `kubectl scale`.' }),
    ),
    conditions: Type.Optional(
      Type.Array(ConditionSchema, {
        ...listMapBy('type'),
        maxItems: 32,
        description: 'Conditions of the AuthService.',
      }),
    ),
    rollout: Type.Optional(RolloutStatusSchema),
    revisions: Type.Optional(
      Type.Array(RevisionSchema, {
        ...listMapBy('name'),
        maxItems: 64,
        description: 'Revisions that a rollback can return to.',
      }),
    ),
    finishedJobs: Type.Optional(
      Type.Array(FinishedJobSchema, {
        ...listMapBy('name'),
        maxItems: 8,
        description:
          'Completed migrations whose Jobs have a time-to-live from an admission policy. They do not run again when Kubernetes removes the Jobs.',
      }),
    ),
    secrets: Type.Optional(
      Type.Array(SecretStatusSchema, { ...listAtomic, maxItems: 64, description: 'State of every secret.' }),
    ),
    checklist: Type.Optional(
      Type.Array(ChecklistItemSchema, { ...listMapBy('item'), maxItems: 32, description: 'The production checklist.' }),
    ),
    actions: Type.Optional(
      Type.Array(ActionSchema, {
        ...listMapBy('name'),
        maxItems: 16,
        description: 'Last action for each annotation.',
      }),
    ),
  },
  { description: 'Observed state. Only the operator writes it.' },
)

export type AuthServiceStatus = Static<typeof AuthServiceStatusSchema>
export type Condition = Static<typeof ConditionSchema>
export type SecretStatus = Static<typeof SecretStatusSchema>
export type FinishedJob = Static<typeof FinishedJobSchema>
export type ChecklistItem = Static<typeof ChecklistItemSchema>
