import Type, { type Static } from 'typebox'
import { type FieldOptions, listAtomic } from './fields.ts'

/** An instant as Kubernetes writes it: RFC 3339. */
const instant = (description: string) => Type.String({ format: 'date-time', description })
const word = (options: FieldOptions) => Type.String({ maxLength: 253, ...options })
const sentence = (description: string) => Type.String({ maxLength: 32_768, description })
const count = (description: string) => Type.Integer({ minimum: 0, format: 'int32', description })

const listMapBy = (key: string) => ({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] })

/** Shape of meta/v1 Condition. */
export const ConditionSchema = Type.Object(
  {
    type: Type.String({ maxLength: 316, description: 'Type of the condition.' }),
    status: Type.Enum(['True', 'False', 'Unknown'], { description: 'Whether it holds.' }),
    observedGeneration: Type.Integer({ minimum: 0, format: 'int64', description: 'Generation that was judged.' }),
    lastTransitionTime: instant('When `status` changed last.'),
    reason: Type.String({ minLength: 1, maxLength: 1024, description: 'The cause, one word.' }),
    message: sentence('The cause, for people.'),
  },
  { description: 'One aspect of the state.' },
)

const color = (description: string) => Type.Enum(['blue', 'green'], { description })

const RolloutStatusSchema = Type.Object(
  {
    phase: word({ description: 'Where the rollout stands.' }),
    revision: word({ description: 'Revision that goes out, or is out.' }),
    targetColor: Type.Optional(color('Colour that receives the revision.')),
    startedAt: Type.Optional(instant('When this revision started.')),
    phaseStartedAt: Type.Optional(instant('When the phase began.')),
    deadline: Type.Optional(instant('When it will have failed.')),
    message: Type.Optional(sentence('What is waited for.')),
    smokeTest: Type.Optional(
      Type.Object(
        { passed: Type.Boolean(), message: Type.Optional(sentence('Result.')) },
        { description: 'Last test.' },
      ),
    ),
    analysis: Type.Optional(
      Type.Object(
        {
          verdict: word({ description: 'Verdict.' }),
          message: Type.Optional(sentence('Figures.')),
          hadOutage: Type.Optional(
            Type.Boolean({ description: 'Whether a database was away for every revision while it was judged.' }),
          ),
        },
        { description: 'Last judgement of traffic.' },
      ),
    ),
    lastOutcome: Type.Optional(
      Type.Enum(['Promoted', 'RolledBack', 'Aborted', 'Superseded', 'DeadlineExceeded'], {
        description: 'How the last rollout ended.',
      }),
    ),
    failedRevision: Type.Optional(word({ description: 'Revision that is not tried again until the spec changes.' })),
    failure: Type.Optional(sentence('Why it failed.')),
    rolledBack: Type.Optional(
      Type.Object(
        {
          to: word({ description: 'Revision that was asked for.' }),
          insteadOf: word({ description: 'Revision that the spec asked for then.' }),
        },
        { description: 'What a person went back to; it holds until the spec asks for another revision.' },
      ),
    ),
  },
  { description: 'The rollout.' },
)

const RevisionSchema = Type.Object(
  {
    name: word({ description: 'Hash of the pod template.' }),
    number: Type.Integer({ minimum: 1, format: 'int64', description: 'Its number, counted up.' }),
    image: Type.Optional(Type.String({ maxLength: 512, description: 'Image of the server.' })),
    createdAt: Type.Optional(instant('When it was made.')),
  },
  { description: 'One revision.' },
)

const SecretStatusSchema = Type.Object(
  {
    name: word({ description: 'Name of the Secret.' }),
    keyId: word({ description: 'Key in it: the `kid` of a signing key, else the name of the data key.' }),
    state: Type.Enum(['Pending', 'Active', 'Accepted', 'Retired'], {
      description: 'Pending: not used yet. Active: in use. Accepted: still verified, no longer used. Retired: refused.',
    }),
    createdAt: Type.Optional(instant('When it was made.')),
    activateAt: Type.Optional(instant('When it comes into use.')),
    retireAt: Type.Optional(instant('When it stops being accepted.')),
    nextRotationAt: Type.Optional(instant('When the next one takes over.')),
  },
  { description: 'Age of one secret.' },
)

const ChecklistItemSchema = Type.Object(
  {
    item: word({ description: 'What is asked for.' }),
    ok: Type.Boolean({ description: 'Whether it is so.' }),
    message: Type.Optional(sentence('What to do where it is not.')),
  },
  { description: 'One item of the production checklist.' },
)

const ActionSchema = Type.Object(
  {
    name: word({ description: 'Annotation without its prefix, such as `restart`.' }),
    value: word({ description: 'Value that was acted upon.' }),
    takenAt: instant('When.'),
    message: Type.Optional(sentence('What came of it.')),
  },
  { description: 'An action that was taken once and is not taken again.' },
)

export const AuthServiceStatusSchema = Type.Object(
  {
    observedGeneration: Type.Optional(
      Type.Integer({
        minimum: -1,
        format: 'int64',
        description: 'Generation of the spec that this status speaks of; -1 before the first visit.',
      }),
    ),
    phase: Type.Optional(word({ description: 'The state in one word.' })),
    version: Type.Optional(Type.String({ maxLength: 512, description: 'Version of the server that is asked for.' })),
    endpoint: Type.Optional(Type.String({ maxLength: 512, description: 'URL of the server.' })),
    activeColor: Type.Optional(color('Colour that has the traffic.')),
    currentRevision: Type.Optional(
      word({ description: 'The last good revision: what a rollout that fails goes back to.' }),
    ),
    replicas: Type.Optional(count('Server pods of the active colour.')),
    readyReplicas: Type.Optional(count('Those that are ready.')),
    selector: Type.Optional(
      Type.String({ maxLength: 1024, description: 'Their label selector, for `kubectl scale`.' }),
    ),
    conditions: Type.Optional(
      Type.Array(ConditionSchema, { ...listMapBy('type'), maxItems: 32, description: 'The state, aspect by aspect.' }),
    ),
    rollout: Type.Optional(RolloutStatusSchema),
    revisions: Type.Optional(
      Type.Array(RevisionSchema, {
        ...listMapBy('name'),
        maxItems: 64,
        description: 'Revisions that can be gone back to.',
      }),
    ),
    secrets: Type.Optional(
      Type.Array(SecretStatusSchema, { ...listAtomic, maxItems: 64, description: 'Age of every secret.' }),
    ),
    checklist: Type.Optional(
      Type.Array(ChecklistItemSchema, { ...listMapBy('item'), maxItems: 32, description: 'The production checklist.' }),
    ),
    actions: Type.Optional(
      Type.Array(ActionSchema, {
        ...listMapBy('name'),
        maxItems: 16,
        description: 'Actions by annotation, last taken.',
      }),
    ),
  },
  { description: 'What the operator found; written by it alone.' },
)

export type AuthServiceStatus = Static<typeof AuthServiceStatusSchema>
export type Condition = Static<typeof ConditionSchema>
export type SecretStatus = Static<typeof SecretStatusSchema>
export type ChecklistItem = Static<typeof ChecklistItemSchema>
