import Type from 'typebox'
import { flag, host, integer, intOrPercent, text } from '../fields.ts'

const BlueGreenSchema = Type.Object(
  {
    promotion: Type.Optional(
      Type.Enum(['Auto', 'Manual'], {
        description: 'Whether traffic moves to the new colour automatically, or when you promote it.',
      }),
    ),
    autoPromoteAfterSeconds: Type.Optional(
      integer(0, 86_400, { description: 'Seconds between a passed smoke test and the automatic promotion.' }),
    ),
    scaleDownDelaySeconds: Type.Optional(
      integer(0, 86_400, { description: 'Seconds for which the old colour keeps its pods after the switch.' }),
    ),
    previewHost: Type.Optional(
      host({
        description: 'Host name at which clients can reach the colour without live traffic, during a rollout.',
        defaultText: 'none',
      }),
    ),
  },
  {
    description: 'Settings of blue-green rollouts.',
    rules: [
      {
        rule: "!has(self.autoPromoteAfterSeconds) || self.?promotion.orValue('Auto') == 'Auto'",
        message: 'autoPromoteAfterSeconds needs promotion: Auto; remove it, or write promotion: Auto',
        fieldPath: '.autoPromoteAfterSeconds',
      },
    ],
  },
)

const isZero = (field: string) => `${field} == 0 || ${field} == '0' || ${field} == '0%'`

const RollingUpdateSchema = Type.Object(
  {
    maxUnavailable: Type.Optional(
      intOrPercent({ description: 'Number or percentage of pods that may be unavailable during an update.' }),
    ),
    maxSurge: Type.Optional(
      intOrPercent({
        description:
          'Number of additional pods during an update, and of pods that start at the same time while others serve; or a percentage of the replicas, and of the serving pods.',
      }),
    ),
  },
  {
    description: 'Settings of rolling updates.',
    rules: [
      {
        rule: `!has(self.maxSurge) || !(${isZero('self.maxSurge')}) || has(self.maxUnavailable) && !(${isZero('self.maxUnavailable')})`,
        message: 'maxUnavailable and maxSurge cannot both be 0: write maxSurge: 1 or more',
        fieldPath: '.maxSurge',
      },
    ],
  },
)

const SmokeTestSchema = Type.Object(
  {
    enabled: Type.Optional(
      flag({ description: 'Whether a new colour must pass a smoke test before it receives traffic.' }),
    ),
    timeoutSeconds: Type.Optional(integer(10, 3600, { description: 'Maximum duration of the test in seconds.' })),
  },
  { description: 'Test of a new colour before the switch: a login and its session across both colours.' },
)

const bound = (description: string) => Type.Optional(Type.Number({ description, defaultText: 'none' }))

const PrometheusSchema = Type.Object(
  {
    query: text(2048, {
      description:
        "Instant query in PromQL. The operator replaces `{{namespace}}`, `{{name}}`, `{{revision}}` and `{{pods}}`. The last one becomes a regular expression for the names of the new revision's pods.",
    }),
    min: bound('Minimum value for a good revision.'),
    max: bound('Maximum value for a good revision.'),
  },
  {
    description: 'Prometheus query for the analysis of a new revision, instead of the metrics of its pods.',
    rules: [
      {
        rule: 'has(self.min) || has(self.max)',
        message: 'a query needs a bound: write min, max or both',
      },
      {
        rule: '!has(self.min) || !has(self.max) || self.min <= self.max',
        message: 'min must not be above max',
        fieldPath: '.min',
      },
    ],
  },
)

const AnalysisSchema = Type.Object(
  {
    enabled: Type.Optional(flag({ description: 'Whether to analyse live traffic after the switch.' })),
    windowSeconds: Type.Optional(integer(10, 3600, { description: 'Duration of the analysis in seconds.' })),
    maxErrorRatePercent: Type.Optional(integer(0, 100, { description: 'Maximum share of failed requests.' })),
    maxP99LatencyMilliseconds: Type.Optional(
      integer(1, 60_000, { description: 'Maximum p99 response time in milliseconds.' }),
    ),
    minLoginSuccessPercent: Type.Optional(
      integer(0, 100, {
        description:
          'Minimum share of successful logins. Limits and locks may refuse the rest of 100 percent, and no more.',
      }),
    ),
    minRequests: Type.Optional(integer(1, 1_000_000, { description: 'Minimum number of requests for a result.' })),
    prometheus: Type.Optional(PrometheusSchema),
  },
  { description: 'Analysis of a new revision, by the metrics of its pods.' },
)

export const RolloutSchema = Type.Object(
  {
    strategy: Type.Optional(
      Type.Enum(['RollingUpdate', 'BlueGreen'], {
        description:
          'How a new revision replaces the old one: pod by pod, or by a complete second set of pods to which all traffic moves at once.',
      }),
    ),
    progressDeadlineSeconds: Type.Optional(
      integer(30, 86_400, { description: 'Seconds without progress after which a rollout has failed.' }),
    ),
    minReadySeconds: Type.Optional(
      integer(0, 3600, { description: 'Seconds for which a new pod must stay ready before it counts as available.' }),
    ),
    autoRollback: Type.Optional(
      flag({
        description: 'Whether a revision that fails with live traffic is rolled back automatically.',
      }),
    ),
    revisionHistoryLimit: Type.Optional(
      integer(1, 50, {
        description: 'Number of old revisions to keep for `rollback-to`.',
      }),
    ),
    rollingUpdate: Type.Optional(RollingUpdateSchema),
    blueGreen: Type.Optional(BlueGreenSchema),
    smokeTest: Type.Optional(SmokeTestSchema),
    analysis: Type.Optional(AnalysisSchema),
  },
  { description: 'How changes of the server pods are rolled out.' },
)
