import Type from 'typebox'
import { flag, host, integer, intOrPercent, text } from '../fields.ts'

const BlueGreenSchema = Type.Object(
  {
    promotion: Type.Optional(
      Type.Enum(['Auto', 'Manual'], { description: 'Who lets traffic move to the new colour.' }),
    ),
    autoPromoteAfterSeconds: Type.Optional(
      integer(0, 86_400, { description: 'Seconds between passed tests and an automatic promotion.' }),
    ),
    scaleDownDelaySeconds: Type.Optional(
      integer(0, 86_400, { description: 'Seconds that the old colour stays whole after the switch.' }),
    ),
    previewHost: Type.Optional(
      host({
        description:
          'Host name under which what stands in front serves the colour without the traffic, while there is one.',
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
      intOrPercent({ description: 'Pods that may be missing during an update: a number or a percentage.' }),
    ),
    maxSurge: Type.Optional(
      intOrPercent({
        description:
          'Pods beyond the count during an update, and pods that start at a time beside those that serve: a number, or a percentage of the count and of those that serve.',
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
    enabled: Type.Optional(flag({ description: 'Whether a new colour must pass a login before it gets traffic.' })),
    timeoutSeconds: Type.Optional(integer(10, 3600, { description: 'Seconds that the test may take.' })),
  },
  { description: 'The test of a new colour before the switch: a log-in across both colours.' },
)

const bound = (description: string) => Type.Optional(Type.Number({ description, defaultText: 'none' }))

const PrometheusSchema = Type.Object(
  {
    query: text(2048, {
      description:
        "PromQL of an instant query. `{{namespace}}`, `{{name}}`, `{{revision}}` and `{{pods}}` are filled in; the last one is a regular expression for the names of the new revision's pods.",
    }),
    min: bound('Lowest value of a good revision.'),
    max: bound('Highest value of a good revision.'),
  },
  {
    description: 'A query of Prometheus that judges a new revision instead of the metrics of its pods.',
    rules: [
      {
        rule: 'has(self.min) || has(self.max)',
        message: 'a query judges nothing without a bound: write min, max or both',
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
    enabled: Type.Optional(flag({ description: 'Whether live traffic is judged after the switch.' })),
    windowSeconds: Type.Optional(integer(10, 3600, { description: 'Seconds of traffic that are judged.' })),
    maxErrorRatePercent: Type.Optional(integer(0, 100, { description: 'Highest share of failed requests.' })),
    maxP99LatencyMilliseconds: Type.Optional(
      integer(1, 60_000, { description: 'Longest response time of the fastest 99 % of requests, in milliseconds.' }),
    ),
    minLoginSuccessPercent: Type.Optional(integer(0, 100, { description: 'Lowest share of logins that succeed.' })),
    minRequests: Type.Optional(integer(1, 1_000_000, { description: 'Fewest requests for a verdict.' })),
    prometheus: Type.Optional(PrometheusSchema),
  },
  { description: "The judgement of a new revision by its pods' own metrics." },
)

export const RolloutSchema = Type.Object(
  {
    strategy: Type.Optional(
      Type.Enum(['RollingUpdate', 'BlueGreen'], {
        description:
          'How a new revision replaces the old one: pod by pod, or as a whole beside it, with the traffic moved at once.',
      }),
    ),
    progressDeadlineSeconds: Type.Optional(
      integer(30, 86_400, { description: 'Seconds without progress after which a rollout has failed.' }),
    ),
    minReadySeconds: Type.Optional(
      integer(0, 3600, { description: 'Seconds that a new pod must stay ready before it counts.' }),
    ),
    autoRollback: Type.Optional(
      flag({
        description: 'Whether a revision that fails with live traffic is replaced by the last good one by itself.',
      }),
    ),
    revisionHistoryLimit: Type.Optional(
      integer(1, 50, {
        description: 'Old revisions that are kept, for `rollback-to`.',
      }),
    ),
    rollingUpdate: Type.Optional(RollingUpdateSchema),
    blueGreen: Type.Optional(BlueGreenSchema),
    smokeTest: Type.Optional(SmokeTestSchema),
    analysis: Type.Optional(AnalysisSchema),
  },
  { description: 'How a new version or a changed pod goes out.' },
)
