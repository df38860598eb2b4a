// Generated from sdk/openapi.json by `npm run generate`: do not edit.

export interface components {
    schemas: {
        /** An agent: one sandbox and what may run in it. */
        Agent: {
            approvals?: components["schemas"]["Approvals"];
            browser: boolean;
            compute: components["schemas"]["Compute"];
            /** Minutes of running compute as of now, to a thousandth. */
            computeMinutes: number;
            /** As of now, with the compute and the task that still run. */
            cost: components["schemas"]["Money"];
            costCap?: components["schemas"]["Money"];
            createdAt: string;
            /** The task that it works on. */
            currentTaskId?: string;
            /** What it was made of. */
            definition?: components["schemas"]["OfDefinition"];
            /** Why it failed, or why its last pause or resume did. */
            error?: components["schemas"]["Failure"];
            guardrails?: components["schemas"]["Guardrails"];
            id: string;
            instructions?: string;
            knowledge: string[];
            metadata: components["schemas"]["Metadata"];
            model?: components["schemas"]["Model"];
            /** Names, never values. */
            secrets: string[];
            sessionId: string;
            /** The latest snapshot: what `resume` starts from. */
            snapshot?: components["schemas"]["SnapshotRef"];
            /** When its sandbox was first there; null before. */
            startedAt?: string | null;
            state: components["schemas"]["State"];
            /** The same as `state`. */
            status: components["schemas"]["State"];
            /** Seconds that a run may take. */
            timeout: number;
            tools: string[];
            updatedAt: string;
        };
        /**
         * A reusable configuration of agents, as one of its versions has it; what that leaves open is
         *     absent.
         */
        AgentDefinition: {
            approvals?: components["schemas"]["Approvals"];
            /** No new agents are made of it. */
            archived: boolean;
            browser?: boolean;
            /** It exists from the start and cannot be changed; an own one of its name goes before it. */
            builtIn: boolean;
            compute?: components["schemas"]["DefinitionCompute"];
            costCap?: components["schemas"]["Money"];
            createdAt: string;
            guardrails?: components["schemas"]["Guardrails"];
            id: string;
            instructions?: string;
            knowledge?: string[];
            metadata: components["schemas"]["Metadata"];
            model?: components["schemas"]["Model"];
            name: string;
            secrets?: string[];
            /** Seconds that a run may take. */
            timeout?: number;
            tools?: string[];
            /** In a list of versions: when the version was made. */
            updatedAt: string;
            /** From 1; every change makes the next one. */
            version: number;
        };
        /** One entry of an agent's log. */
        AgentLogEntry: {
            level: components["schemas"]["Level"];
            message: string;
            time: string;
            /** The event's type. */
            type: string;
        };
        /** An API key. Its secret is not in it: we only have its hash. */
        ApiKey: {
            createdAt: string;
            /** Its beginning and end, to recognise it by. */
            hint: string;
            id: string;
            /** The whole key. Shown this once: keep it. */
            key?: string;
            /** `live` or `test`: the mode of the key that created it. */
            mode: string;
            name: string;
            /** Since when it no longer works. */
            revokedAt?: string;
            rotatedAt?: string;
        };
        /** Tools that need a human's yes before they run. */
        Approvals: {
            tools?: string[];
        };
        /** What was compared. */
        BillCheck: {
            differences: number;
            /**
             * A read model, `records` (the usage records by themselves), the ledger of a biller, or
             *     `stripe`: what Stripe says itself.
             */
            name: string;
            rows: number;
        };
        /** One amount that is not what it must be. */
        BillDifference: {
            /** The positions of the events that it comes from. */
            events: string[];
            field: string;
            /** What is there; absent where the row is missing. */
            found?: string;
            /** Which row, usage record, or customer of Stripe's. */
            key: string;
            /** What the log says. */
            log: string;
            name: string;
            reason: string;
        };
        /** What has become of the period's usage records that cost something at one biller. */
        BillLedger: {
            exporter: string;
            totals: components["schemas"]["BillLedgerTotal"][];
        };
        BillLedgerTotal: {
            /** Why they were not acknowledged. */
            code?: string;
            /** What they cost, in picodollars. */
            costPico: string;
            records: number;
            /** `acknowledged`, `pending`, `rejected`, or `unsent`: no push has looked at them yet. */
            status: string;
        };
        /** What a verification of the bill found. */
        BillVerification: {
            checks: components["schemas"]["BillCheck"][];
            /** All of yours that were folded. */
            commits: number;
            /** What they cost. */
            cost: components["schemas"]["Money"];
            /** The same in picodollars, not rounded. */
            costPico: string;
            /** The first hundred. */
            differences: components["schemas"]["BillDifference"][];
            /** What has become of it at each biller that usage was pushed to. */
            ledgers: components["schemas"]["BillLedger"][];
            /** Whether nothing differs. */
            ok: boolean;
            period: components["schemas"]["VerifiedPeriod"];
            /** The last commit that was folded. */
            position: number;
            /** Usage records of the period. */
            records: number;
        };
        /** What usage is pushed to a biller with. */
        BillerSettings: {
            /** The biller's customer of each user. */
            customers?: {
                [key: string]: string;
            };
            eventName?: string;
            meterId?: string;
        };
        /** What to change of how usage is pushed to billers. */
        Billing: {
            metronome?: components["schemas"]["UpdateBiller"];
            stripe?: components["schemas"]["UpdateBiller"];
        };
        /** What an answer is about. */
        BillingPeriod: {
            from: string;
            /** Not in the period any more. */
            until: string;
        };
        /** A period in figures. */
        BillingUsage: {
            /** That began in the period. */
            agents: number;
            computeMinutes: number;
            modelCalls: number;
            period: components["schemas"]["BillingPeriod"];
            /** That began in the period. */
            sessions: number;
            totalCost: components["schemas"]["Money"];
        };
        Broken: {
            position: number;
            reason: string;
        };
        /** Where agents run. */
        Compute: {
            /** The name of a secret with the provider's credentials. */
            credentialRef?: string;
            provider?: components["schemas"]["ProviderName"];
        };
        /** Running compute; with your own providers, our fee for it. */
        ComputeSummary: {
            cost: components["schemas"]["Money"];
            minutes: number;
        };
        ConfigureProvider: {
            /**
             * What the provider needs (API keys, endpoints), `{}` for `local`. Encrypted at rest, never
             *     shown again.
             */
            credentials: components["schemas"]["Credentials"];
            /** Whether new agents run on it unless they say otherwise. */
            isDefault?: boolean;
            provider: components["schemas"]["ProviderName"];
        };
        /**
         * What a new agent is made of. Everything is optional: what is left out comes from the definition,
         *     then from the session, then from the platform's settings.
         */
        CreateAgent: {
            approvals?: components["schemas"]["Approvals"];
            /** Attach a headless browser to the sandbox. Default: false. */
            browser?: boolean;
            compute?: components["schemas"]["Compute"];
            /** A hard cap on what this agent may cost. */
            costCap?: components["schemas"]["Money"];
            /** The id or the name of a definition to make it of. */
            definition?: string;
            guardrails?: components["schemas"]["Guardrails"];
            /** Prepended to every task. */
            instructions?: string;
            /** Ids of knowledge bases to attach. */
            knowledge?: string[];
            /** Your own key-value pairs. */
            metadata?: components["schemas"]["Metadata"];
            /** The model it thinks with: a name, or an object in one of three shapes. */
            model?: components["schemas"]["Model"];
            /** Names of secrets that the agent's code sees as environment variables. */
            secrets?: string[];
            /** Start from this snapshot's files, also of another agent or session of yours. */
            snapshotId?: string;
            /** Seconds that a run may take. Default: 300. */
            timeout?: number;
            /**
             * Names of tools to enable.
             * @example [
             *       "web_search",
             *       "write_file"
             *     ]
             */
            tools?: string[];
        };
        CreateApiKey: {
            /** What it is for. */
            name: string;
        };
        /**
         * A new definition. All but its name is optional: what is left out comes from the session and the
         *     settings when an agent is made of it.
         */
        CreateDefinition: {
            approvals?: components["schemas"]["Approvals"];
            browser?: boolean;
            compute?: components["schemas"]["DefinitionCompute"];
            /** A hard cap on what an agent may cost. */
            costCap?: components["schemas"]["Money"];
            guardrails?: components["schemas"]["Guardrails"];
            /** System-level instructions. */
            instructions?: string;
            knowledge?: string[];
            metadata?: components["schemas"]["Metadata"];
            model?: components["schemas"]["Model"];
            /** What agents are made by, besides the id. */
            name: string;
            /** Names of secrets that the agent's code sees as environment variables. */
            secrets?: string[];
            /** Seconds that a run may take. */
            timeout?: number;
            /**
             * Names of tools to enable.
             * @example [
             *       "web_search",
             *       "write_file"
             *     ]
             */
            tools?: string[];
        };
        /** A new session for one of your users. */
        CreateSessionBody: {
            /** Where its agents run that do not say. */
            compute?: components["schemas"]["Compute"];
            limits?: components["schemas"]["Limits"];
            metadata?: components["schemas"]["Metadata"];
            /** The model of its agents that name none. */
            model?: components["schemas"]["Model"];
            /** Your own name for the user. Opaque to us. */
            userId: string;
            /** Told when four fifths of a limit are used, and when one is reached. */
            webhook?: string;
        };
        /** A JSON object, as it was sent. What is in it is not for logs. */
        Credentials: {
            [key: string]: unknown;
        };
        /** @enum {string} */
        Currency: "usd";
        /** What one UTC day costs. */
        DailyCost: {
            cost: components["schemas"]["Money"];
            date: string;
        };
        /** Where agents of a definition run, and for how long. */
        DefinitionCompute: {
            /** The name of a secret with the provider's credentials. */
            credentialRef?: string;
            provider?: components["schemas"]["ProviderName"];
            /** The same as `timeout` of the definition itself. */
            timeout?: number;
        };
        /** One webhook, from the first try to the last. */
        Delivery: {
            /** Tries so far. */
            attempts: number;
            createdAt: string;
            /** Also the `webhook-id` header of every try. */
            id: string;
            /** Why the last try got no answer. */
            lastError?: string;
            /** The HTTP status of the last answer. */
            lastStatus?: number;
            /** When the next try is due. */
            nextAttemptAt?: string;
            status: components["schemas"]["DeliveryStatus"];
            /** The task whose end it tells of; absent where it tells of a limit. */
            taskId?: string;
            updatedAt: string;
            url: string;
        };
        /**
         * Whether a delivery has arrived.
         */
        DeliveryStatus: "pending" | "delivered" | "failed" | (string & {});
        /** The task is completed, and this is its last event. */
        DoneEvent: {
            result: components["schemas"]["RunResult"];
            taskId: string;
        };
        ErrorDetails: {
            /** With `unprocessable_entity`: each field to mend. */
            fields?: components["schemas"]["ErrorField"][];
            /** What that task had said by then. */
            output?: string;
            /** Seconds to wait. */
            retryAfter?: number;
            /** The task that it is about. */
            taskId?: string;
        };
        /**
         * The task has failed or was cancelled (`code` is `cancelled`), and this is its last event; or the
         *     stream was cut, and goes on when it is asked for again.
         */
        ErrorEvent: {
            code: string;
            message: string;
            /**
             * Only the stream was cut, not the run: connect again with the `Last-Event-ID` of the last
             *     event that had one. Such an event has no `id` of its own.
             */
            resumable: boolean;
            taskId?: string;
        };
        ErrorField: {
            message: string;
            path: string;
        };
        /** One event: something that happened, and who caused it. */
        Event: {
            actor: string;
            agentId?: string;
            commitId: string;
            /** The event's own data; secrets are left out of it. */
            data: {
                [key: string]: unknown;
            };
            /** Of the commit and its place in it: unique for ever. */
            id: string;
            key: string;
            /** What it happened to. */
            kind: string;
            /** Its commit's place in the log. */
            position: number;
            /** The request that caused it. */
            requestId?: string;
            sessionId?: string;
            taskId?: string;
            time: string;
            type: string;
            userId?: string;
        };
        /** What the code printed and how it ended. A non-zero exit code is an answer, not an error. */
        ExecResult: {
            durationMs: number;
            /** The exit status; 128 + n when signal n ended it. */
            exitCode: number;
            id: string;
            /** The first MiB of it. */
            stderr: string;
            /** The first MiB of it. */
            stdout: string;
            /** Whether stdout or stderr was longer than what is kept. */
            truncated: boolean;
        };
        /** A push of usage to a biller. */
        Export: {
            /** Why records were rejected or are pending, and how many. */
            codes: {
                [key: string]: number;
            };
            /** What the records cost that it sent and that were acknowledged. */
            cost: components["schemas"]["Money"];
            createdAt: string;
            endedAt?: string;
            exporter: string;
            /** Why it was given up. */
            failure?: components["schemas"]["ExportFailure"];
            from?: string;
            id: string;
            /** All usage records that this biller was ever to be told of, by what became of them. */
            ledger?: components["schemas"]["LedgerTotal"][];
            records: components["schemas"]["ExportRecords"];
            retryRejected: boolean;
            status: components["schemas"]["ExportStatus"];
            until?: string;
            updatedAt: string;
            /**
             * Users that are no customers of the biller's, with the records that wait for that; the first
             *     100 of them. Name the customer in the session's metadata, or in the settings.
             */
            usersWithoutCustomer: components["schemas"]["UserWithoutCustomer"][];
        };
        /** Why a push was given up. */
        ExportFailure: {
            code: string;
            message: string;
        };
        /** What became of the usage records of a push. */
        ExportRecords: {
            acknowledged: number;
            /** The biller may or may not have them; the next push settles that. */
            pending: number;
            rejected: number;
            /** They cost nothing. */
            skipped: number;
        };
        /**
         * Whether a push has ended.
         */
        ExportStatus: "running" | "finished" | "failed" | (string & {});
        /** What became of one usage record. */
        ExportedRecord: {
            /** Why, unless it is acknowledged. */
            code?: string;
            /** Picodollars, as a decimal. */
            costPico: string;
            /** The biller's customer. */
            customer?: string;
            sessionId: string;
            status: components["schemas"]["RecordStatus"];
            updatedAt: string;
            usageId: string;
            usedAt: string;
            userId: string;
        };
        /** Why something did not succeed. */
        Failure: {
            code: string;
            message: string;
        };
        /** An entry of a directory. */
        FileEntry: {
            isDirectory: boolean;
            name: string;
            /** Bytes; 0 for a directory. */
            size: number;
        };
        /** What the agent must not do. */
        Guardrails: {
            /**
             * The only domains that the sandbox reaches: `github.com`, or `*.github.com` for all below
             *     it. Absent: every public one.
             */
            allowedDomains?: string[];
            /** Keep personal data out of what the agent sends. */
            blockPii?: boolean;
        };
        /**
         * What a task is asked to do: a text, or an object that the model sees as JSON.
         * @example {
         *       "query": "analyze competitor pricing for Q2 2025"
         *     }
         */
        Input: string | {
            [key: string]: unknown;
        };
        /** A model that is known, with what it costs. */
        KnownModel: {
            /** Whether the platform has a key for it; without one, give your own with `credentialRef`. */
            available: boolean;
            /** Tokens of prompt and answer together. */
            contextWindow?: number;
            /** `vendor/model`: what `model` may be set to. */
            id: string;
            /** Tokens of an answer. */
            maxOutput?: number;
            /** The vendor's own id. */
            model: string;
            /** Your own price, which goes before it. */
            ownPrice?: components["schemas"]["Price"];
            /** The vendor's price; absent when it is not known. */
            price?: components["schemas"]["Price"];
            vendor: string;
        };
        /**
         * What the code is written in.
         */
        Lang: "python" | "typescript" | "bash";
        /** How many usage records are in one state. */
        LedgerTotal: {
            code?: string;
            records: number;
            status: components["schemas"]["RecordStatus"];
        };
        /**
         * How much an entry matters.
         */
        Level: "info" | "warn" | "error" | (string & {});
        /** What a session may spend and hold. An absent limit is no limit. */
        Limits: {
            /** Agents at the same time. */
            maxAgents?: number;
            /** Minutes of compute over the session's life. */
            maxComputeMinutes?: number;
            maxCost?: components["schemas"]["MaxCost"];
        };
        /** The same for long prompts. */
        LongPromptPrice: {
            cacheRead: string;
            cacheWrite: string;
            cacheWriteLong: string;
            input: string;
            output: string;
            /** Tokens of prompt, above which it holds. */
            over: number;
        };
        /**
         * @example {
         *       "amount": 500,
         *       "currency": "usd",
         *       "period": "day"
         *     }
         */
        MaxCost: {
            /** Cents. */
            amount: number;
            currency: components["schemas"]["Currency"];
            /** What the amount is for, in UTC; `session` when absent. */
            period?: components["schemas"]["Period"];
        };
        /**
         * Your own key-value pairs: at most 50, 16 KiB as JSON.
         * @example {
         *       "plan": "pro"
         *     }
         */
        Metadata: {
            [key: string]: unknown;
        };
        /**
         * A model: its name, or an object with its settings. The most specific of platform, session and
         *     agent wins.
         */
        Model: string | components["schemas"]["ModelSettings"];
        /** What one model costs. */
        ModelCost: {
            calls: number;
            cost: components["schemas"]["Money"];
            /** Whole prompts: also what was read from a cache or written to one, once. */
            inputTokens: number;
            /** By its vendor's word. */
            model: string;
            outputTokens: number;
            /** Calls that had no price, so that the cost is too low. Absent when there are none. */
            unpricedCalls?: number;
        };
        /**
         * What a model is called for.
         */
        ModelPurpose: "turn" | "summary" | (string & {});
        /**
         * `{ id, maxTokens, temperature }`, `{ provider, credentialRef, id? }` or
         *     `{ baseUrl, credentialRef, name }`.
         */
        ModelSettings: {
            /** A compatible gateway. */
            baseUrl?: string;
            /** The name of a secret that holds the key. */
            credentialRef?: string;
            id?: string;
            maxTokens?: number;
            /** The model's name at the gateway. */
            name?: string;
            /** `anthropic` or `openai`, with your own key. */
            provider?: string;
            temperature?: number;
        };
        /** Model calls; with your own keys, our fee for them. */
        ModelSummary: {
            cost: components["schemas"]["Money"];
            /** Whole prompts: also what was read from a cache or written to one, once. */
            inputTokens: number;
            outputTokens: number;
        };
        /**
         * An amount of money.
         * @example {
         *       "amount": 42,
         *       "currency": "usd"
         *     }
         */
        Money: {
            /** Cents. */
            amount: number;
            currency: components["schemas"]["Currency"];
        };
        /** The version of a definition that an agent was made of. */
        OfDefinition: {
            id: string;
            version: number;
        };
        /** The task's final text, whole; of a failed task, what there was of it. */
        OutputEvent: {
            cost: components["schemas"]["Money"];
            taskId: string;
            text: string;
        };
        /** @enum {string} */
        Period: "session" | "day" | "month";
        /**
         * A port that is reachable from outside. Its URL is valid while the agent lives and asks for no
         *     key: whoever knows it can use it.
         */
        Port: {
            /**
             * The same port below this API's own origin, for where the name in `url` does not resolve.
             *     Pages get no cookies and an opaque origin there.
             */
            pathUrl: string;
            port: number;
            /** An origin of its own. */
            url: string;
        };
        /** A price in US dollars for a million tokens, as decimals. */
        Price: {
            cacheRead: string;
            cacheWrite: string;
            /** Of what is written to a cache that lasts an hour or longer. */
            cacheWriteLong: string;
            /** The row of the price table: usage records name it. */
            id: string;
            input: string;
            /** What holds for all tokens of a call with a longer prompt. */
            longPrompt?: components["schemas"]["LongPromptPrice"];
            output: string;
            /** The date from which it holds; absent where it always did. */
            since?: string;
        };
        /** What the agent says of its progress. */
        ProgressEvent: {
            /** Absent where it said nothing new. */
            message?: string;
            /** 0 to 1. */
            progress: number;
            taskId: string;
        };
        /** A compute provider that is configured. */
        Provider: {
            createdAt: string;
            isDefault: boolean;
            provider: components["schemas"]["ProviderName"];
            status: components["schemas"]["ProviderStatus"];
        };
        /** What a live check of a provider found. */
        ProviderCheck: {
            healthy: boolean;
            /** What is wrong, or what was found. */
            message: string;
            provider: components["schemas"]["ProviderName"];
        };
        /** @enum {string} */
        ProviderName: "local" | "docker" | "e2b" | "fly" | "webhook" | "mock";
        /**
         * Whether a provider took work when it was last looked at.
         */
        ProviderStatus: "active" | "unavailable" | (string & {});
        /**
         * Whether a biller has a usage record.
         */
        RecordStatus: "pending" | "acknowledged" | "rejected" | (string & {});
        /** A tool that a model asks for. */
        RequestedTool: {
            /** Unique within its turn. */
            id: string;
            /** As the model gave it; a text where that is not JSON. */
            input: unknown;
            name: string;
        };
        /** A task for one agent. */
        RunAgent: {
            /** Model calls that it may make. Default: 100. */
            maxSteps?: number;
            /** Which tasks go first. Default: `normal`. */
            priority?: components["schemas"]["TaskPriority"];
            /** What to do: a text, or an object that the model sees as JSON. At most 1 MiB. */
            task: components["schemas"]["Input"];
            /** A URL that is told when the task has ended. */
            webhook?: string;
        };
        /** What a run came to. */
        RunResult: {
            /** Paths of the files that it made or changed. */
            artifacts: string[];
            cost: components["schemas"]["Money"];
            /** Milliseconds that it was worked on. */
            duration: number;
            /** The final text. */
            output: string;
            taskId: string;
            toolCalls: components["schemas"]["ToolCall"][];
        };
        /** A task whose answer is waited for. Exactly one of `task` and `input` is given. */
        RunSession: {
            /** The definition, by id or by name, of the agent that is made for it and goes with it. */
            agent: string;
            /** A hard cap on its cost; goes before the definition's. */
            costCap?: components["schemas"]["Money"];
            /** The same as `task`. */
            input?: components["schemas"]["Input"];
            /** Model calls that it may make. Default: 100. */
            maxSteps?: number;
            /** Goes before the definition's. */
            model?: components["schemas"]["Model"];
            /** Which tasks go first. Default: `normal`. */
            priority?: components["schemas"]["TaskPriority"];
            /** What to do: a text, or an object that the model sees as JSON. At most 1 MiB. */
            task?: components["schemas"]["Input"];
            /** Seconds that the run may take; goes before the definition's. */
            timeout?: number;
            /** A URL that is told when the task has ended. */
            webhook?: string;
        };
        /** A secret without its value. */
        Secret: {
            createdAt: string;
            name: string;
            /** `org`, or the id of its session. */
            scope: string;
        };
        /** The isolation, limits and bill of one of your users. */
        Session: {
            compute?: components["schemas"]["Compute"];
            createdAt: string;
            id: string;
            limits: components["schemas"]["Limits"];
            metadata: components["schemas"]["Metadata"];
            model?: components["schemas"]["Model"];
            status: components["schemas"]["SessionStatus"];
            updatedAt: string;
            usage: components["schemas"]["Usage"];
            userId: string;
            /** Whether a webhook is told of its limits; absent when none is. */
            webhook?: boolean;
        };
        /**
         * What a session is created with, or what of it is changed. An absent field stays as it is; a
         *     given one is replaced whole.
         */
        SessionOptions: {
            /** Where its agents run that do not say. */
            compute?: components["schemas"]["Compute"];
            limits?: components["schemas"]["Limits"];
            metadata?: components["schemas"]["Metadata"];
            /** The model of its agents that name none. */
            model?: components["schemas"]["Model"];
            /**
             * Told when four fifths of a limit are used, and when one is reached; `null`: nobody is told
             *     any more.
             */
            webhook?: string | null;
        };
        /**
         * Where a session is in its life. One that has reached `maxComputeMinutes` is paused.
         */
        SessionStatus: "active" | "paused" | "ended" | (string & {});
        /**
         * An own price of a model, in US dollars for a million tokens: decimals as strings, or numbers, of
         *     at most six places.
         */
        SetPrice: {
            /** Of what is read from a cache. Default: `input`. */
            cacheRead?: string;
            /** Of what is written to a cache. Default: `input`. */
            cacheWrite?: string;
            /** Of what is written to a cache that lasts an hour or longer. Default: `cacheWrite`. */
            cacheWriteLong?: string;
            /** Of prompts. */
            input: string;
            /** Of answers, their reasoning included. */
            output: string;
        };
        SetSecret: {
            /** Letters, digits, underscores and hyphens. */
            name: string;
            /** The session that it is for; the whole org's when absent. */
            sessionId?: string;
            /** At most 64 KiB. Never shown again. */
            value: string;
        };
        /** What holds where a session and an agent say nothing. */
        Settings: {
            /** What usage is pushed to each biller with. */
            billing?: {
                [key: string]: components["schemas"]["BillerSettings"];
            };
            /** Day of the month that a billing period starts on. */
            billingDay: number;
            compute?: components["schemas"]["Compute"];
            model?: components["schemas"]["Model"];
            /** Absent before the first change. */
            updatedAt?: string;
        };
        /** An agent's files as they were at a pause. */
        Snapshot: {
            agentId: string;
            createdAt: string;
            id: string;
            /** The provider that keeps it; an agent that starts from it runs there too. */
            provider: string;
            sessionId: string;
            /** Bytes. */
            size: number;
        };
        /** A snapshot, as its agent shows it. */
        SnapshotRef: {
            id: string;
            /** Bytes. */
            size: number;
        };
        /** A push that is under way. */
        StartedExport: {
            exportId: string;
            status: components["schemas"]["ExportStatus"];
        };
        /**
         * Where an agent is in its life.
         */
        State: "provisioning" | "idle" | "running" | "paused" | "completed" | "failed" | "terminated" | (string & {});
        /** A thing as it was. */
        StateAsOf: {
            /** When it became so. */
            at: string;
            id: string;
            kind: string;
            /** The commit that made it so. */
            position: number;
            /** Without ciphertexts and hashes. */
            state: {
                [key: string]: unknown;
            };
        };
        /**
         * Something began, waits, goes on, or is tried again. Of the task where `taskId` is set, of the
         *     agent where `agentId` is.
         */
        StatusEvent: {
            agentId?: string;
            /** Which attempt at the task: after the first, a worker was lost or stopped. */
            attempt?: number;
            /**
             * The model call with this step broke off: its `text` and `thinking` are void. Where it is
             *     made again, its text comes with another step.
             */
            discardedStep?: number;
            reason?: string;
            /** A task: `queued`, `running`, `paused`, `cancelling`. An agent: its state. */
            status: string;
            taskId?: string;
        };
        /** One model call or one tool call of a run. One without `finishedAt` is under way. */
        Step: {
            /** The attempt that began it. */
            attempt: number;
            /** Of a tool call: the model's id of it. */
            callId?: string;
            /** Of a model call, rounded by itself: a task's cost is rounded once, from the exact sum. */
            cost?: components["schemas"]["Money"];
            durationMs: number;
            /** Why a model call did not come to its end. */
            error?: components["schemas"]["TaskFailure"];
            /** Of a model call: why the model stopped. */
            finish?: string;
            finishedAt?: string;
            /** Of a tool call: as the model gave it; a text where that is not JSON. */
            input?: unknown;
            /** Of a tool call that has ended: whether the model was told of an error. */
            isError?: boolean;
            /** Of a model call: the model that answered, before that the one that is asked. */
            model?: string;
            /** From 0, in the order in which they were begun. */
            number: number;
            /** Of a tool call: the number of the model call that asked for it. */
            of?: number;
            /** Of a tool call: what the model was told; an object where that is one as JSON. */
            output?: unknown;
            /** The row of the price table that the cost is by. */
            priceId?: string;
            /** Of a model call. */
            purpose?: components["schemas"]["ModelPurpose"];
            startedAt: string;
            /** What the model said. */
            text?: string;
            /** The reasoning that the model showed. */
            thinking?: string;
            /** Of a tool call: the tool's name. */
            tool?: string;
            /** The tools that the model asked for. */
            toolCalls?: components["schemas"]["RequestedTool"][];
            type: components["schemas"]["StepType"];
            /** Of a model call. */
            usage?: components["schemas"]["Tokens"];
            /** Of a model call: the vendor, or the gateway's host. */
            vendor?: string;
        };
        /**
         * What a step is.
         */
        StepType: "model_call" | "tool_call" | (string & {});
        /** Snapshots and artifacts. */
        StorageSummary: {
            cost: components["schemas"]["Money"];
            /** GiB that were kept, on average over the period. */
            gb: number;
        };
        /**
         * One event: `event` is its name in the stream, `data` the JSON of its `data:` line, and the `id:`
         *     beside them is what `Last-Event-ID` takes.
         */
        StreamEvent: {
            data: components["schemas"]["StatusEvent"];
            /** @enum {string} */
            event: "status";
        } | {
            data: components["schemas"]["ThinkingEvent"];
            /** @enum {string} */
            event: "thinking";
        } | {
            data: components["schemas"]["TextEvent"];
            /** @enum {string} */
            event: "text";
        } | {
            data: components["schemas"]["ToolCallEvent"];
            /** @enum {string} */
            event: "tool_call";
        } | {
            data: components["schemas"]["ToolResultEvent"];
            /** @enum {string} */
            event: "tool_result";
        } | {
            data: components["schemas"]["ProgressEvent"];
            /** @enum {string} */
            event: "progress";
        } | {
            data: components["schemas"]["OutputEvent"];
            /** @enum {string} */
            event: "output";
        } | {
            data: components["schemas"]["ErrorEvent"];
            /** @enum {string} */
            event: "error";
        } | {
            data: components["schemas"]["DoneEvent"];
            /** @enum {string} */
            event: "done";
        };
        /** A new task: either for an agent of its own, made of a definition, or for one that is there. */
        SubmitTask: {
            /** The definition, by id or by name, of the agent that is made for it and goes with it. */
            agent?: string;
            /** Instead of `agent`: an agent of the session. A busy one takes its tasks one after the other. */
            agentId?: string;
            /** With `agent`: a hard cap on its cost; goes before the definition's. */
            costCap?: components["schemas"]["Money"];
            /** What to do: a text, or an object that the model sees as JSON. At most 1 MiB. */
            input: components["schemas"]["Input"];
            /** Model calls that it may make. Default: 100. */
            maxSteps?: number;
            /** With `agent`: goes before the definition's. */
            model?: components["schemas"]["Model"];
            /** Which tasks go first. Default: `normal`. */
            priority?: components["schemas"]["TaskPriority"];
            /** With `agent`: seconds that the run may take; goes before the definition's. */
            timeout?: number;
            /** A URL that is told when the task has ended. */
            webhook?: string;
        };
        /** A task that was begun in the background. */
        Submitted: {
            agentId: string;
            taskId: string;
        };
        /** A task: one run of an agent, from its submission to its end. */
        Task: {
            agentId: string;
            /**
             * Paths of the files that it made or changed.
             * @example [
             *       "/workspace/report.pdf"
             *     ]
             */
            artifacts: string[];
            /** Workers that took it up so far. */
            attempt: number;
            /** Of its model calls and of the compute while it was worked on. */
            cost: components["schemas"]["Money"];
            createdAt: string;
            /** Milliseconds that it has been worked on. */
            duration: number;
            /** Why it failed. */
            error?: components["schemas"]["TaskFailure"];
            finishedAt?: string;
            id: string;
            /** What the agent last reported that it does. */
            message: string;
            /** Model calls that it began. */
            modelCalls: number;
            /** The final text; of a failed task, what there was of it. */
            output?: string;
            priority: components["schemas"]["TaskPriority"];
            /** 0 to 1, as the agent reports it. */
            progress: number;
            /** The task that this one does again. */
            retryOf?: string;
            sessionId: string;
            startedAt?: string;
            status: components["schemas"]["TaskStatus"];
            /** The same as `id`. */
            taskId: string;
            /** Absent in lists. */
            toolCalls?: components["schemas"]["ToolCall"][];
            /** A model without a known price was called: the cost is too low. */
            unpriced?: boolean;
            usage: components["schemas"]["Tokens"];
            /** Whether a webhook is told when it has ended; absent when none is. */
            webhook?: boolean;
        };
        /** Why a task failed: a code of the errors' table, and what to do about it. */
        TaskFailure: {
            code: string;
            message: string;
        };
        /**
         * Which tasks go first: `high` before `normal` before `low`.
         */
        TaskPriority: "high" | "normal" | "low";
        /**
         * Where a task is in its life.
         */
        TaskStatus: "queued" | "running" | "completed" | "failed" | "cancelled" | (string & {});
        /** More of the model's text. */
        TextEvent: {
            /** The deltas of one step, joined, are the text of that model call. */
            delta: string;
            step: number;
            taskId: string;
        };
        /** More of the reasoning that the model shows. */
        ThinkingEvent: {
            /** The model call that it is of. */
            step: number;
            taskId: string;
            text: string;
        };
        /** Tokens, each counted once. */
        Tokens: {
            cacheReadTokens: number;
            cacheWriteTokens: number;
            /** The vendor did not say; counted by us. */
            estimated?: boolean;
            /** Of prompts, neither read from a cache nor written to one. */
            inputTokens: number;
            /** Everything that the model wrote, its reasoning included. */
            outputTokens: number;
            /** How much of `outputTokens` was reasoning. */
            reasoningTokens: number;
        };
        /** Something that an agent can do. */
        Tool: {
            /** Every agent with a model has it, named or not. */
            always: boolean;
            builtIn: boolean;
            /** What it does, as models are told. */
            description: string;
            /** A JSON Schema of what it takes. */
            inputSchema: unknown;
            /** Whether it changes anything. */
            mutates: boolean;
            name: string;
            /** Whether it is done again after a crash, when what came of it is not known. */
            repeatable: boolean;
        };
        /** One call of a tool. */
        ToolCall: {
            durationMs: number;
            /** The model's id of the call. */
            id: string;
            /** As the model gave it; a text where that is not JSON. */
            input: unknown;
            isError: boolean;
            name: string;
            /** What the model was told; an object where that is one as JSON. Absent until there is one. */
            output?: unknown;
        };
        /** The model asks for a tool. */
        ToolCallEvent: {
            /** The model's id of the call: the `tool_result` has the same. */
            id: string;
            /** As the model gave it; a text where that is not JSON. */
            input: Record<string, never>;
            step: number;
            taskId: string;
            tool: string;
        };
        /** What came of it. */
        ToolResultEvent: {
            durationMs: number;
            id: string;
            isError: boolean;
            /** What the model is told. */
            output: string;
            step: number;
            taskId: string;
            tool: string;
        };
        /** What to change for one biller; an absent field stays as it is. */
        UpdateBiller: {
            /**
             * The biller's customer of each of these users; null: none any more. At most 250 at a time,
             *     and 1,000 in all: `stripeCustomerId` in the metadata of sessions knows no limit.
             * @example {
             *       "user_123": "cus_123"
             *     }
             */
            customers?: {
                [key: string]: string | null;
            };
            /** What the events of its meter are called. */
            eventName?: string;
            /** The meter's id, whose sums settle what is in doubt. */
            meterId?: string;
        };
        /** What to change of a definition: an absent field stays as it is, a given one is replaced whole. */
        UpdateDefinition: {
            approvals?: components["schemas"]["Approvals"];
            browser?: boolean;
            compute?: components["schemas"]["DefinitionCompute"];
            /** A hard cap on what an agent may cost. */
            costCap?: components["schemas"]["Money"];
            guardrails?: components["schemas"]["Guardrails"];
            instructions?: string;
            knowledge?: string[];
            metadata?: components["schemas"]["Metadata"];
            model?: components["schemas"]["Model"];
            secrets?: string[];
            /** Seconds that a run may take. */
            timeout?: number;
            tools?: string[];
        };
        /** What to change; an absent field stays as it is. */
        UpdateSettings: {
            /** What usage is pushed to billers with. */
            billing?: components["schemas"]["Billing"];
            billingDay?: number;
            compute?: components["schemas"]["Compute"];
            model?: components["schemas"]["Model"];
        };
        /** What a session has used so far, with what is running now. */
        Usage: {
            /** Agents that have not ended. */
            activeAgents: number;
            computeMinutes: number;
            cost: components["schemas"]["Money"];
        };
        /** What was used in a period, and what it costs. */
        UsageSummary: {
            compute: components["schemas"]["ComputeSummary"];
            models: components["schemas"]["ModelSummary"];
            period: components["schemas"]["BillingPeriod"];
            storage: components["schemas"]["StorageSummary"];
            /** Of the three. */
            total: components["schemas"]["Money"];
        };
        /** What one of your users costs, in all sessions. */
        UserCost: {
            /** That began in the period. */
            agents: number;
            cost: components["schemas"]["Money"];
            /** That began in the period. */
            sessions: number;
            userId: string;
        };
        /** A user that is no customer of the biller's. */
        UserWithoutCustomer: {
            records: number;
            userId: string;
        };
        /** What a verification of the hash chain found. */
        Verification: {
            /** The first commit that differs. */
            broken?: components["schemas"]["Broken"];
            /** Signed checkpoints that were compared. */
            checkpoints: number;
            /** Commits that were found to be as they were written. */
            commits: number;
            /** The rolling hash of all of them, in hex. */
            hash: string;
            /** Whether everything is as it was written. */
            ok: boolean;
            /** The last of them. */
            position: number;
        };
        VerifiedPeriod: {
            from: string;
            until: string;
        };
        /** What the webhooks of this org and mode are signed with. */
        WebhookSecret: {
            /** For a library of Standard Webhooks, as it is. */
            secret: string;
        };
        /** A file that was written. */
        WrittenFile: {
            path: string;
            /** Bytes. */
            size: number;
        };
        AuditEventsQuery: {
            /** An RFC 3339 time or a date: at this time or later. */
            from?: string;
            /** An RFC 3339 time or a date: before this time. */
            until?: string;
            /** Who caused it: `key:key_…`, `system:<part>` or `cli`. */
            actor?: string;
            /** An event's type: `session.created`. */
            type?: string;
            sessionId?: string;
            agentId?: string;
            taskId?: string;
            userId?: string;
            requestId?: string;
            /** 1 to 100; 25 when absent. */
            limit?: number;
            /** `nextCursor` of the page before. */
            cursor?: string;
        };
        SessionListQuery: {
            /** Only the sessions of this user. */
            userId?: string;
            /** @enum {string} */
            status?: "active" | "paused" | "ended";
            /** 1 to 100; 25 when absent. */
            limit?: number;
            /** `nextCursor` of the page before. */
            cursor?: string;
        };
        TaskListQuery: {
            /**
             * Only tasks with this status.
             */
            status?: "queued" | "running" | "completed" | "failed" | "cancelled";
            /** 1 to 100; 25 when absent. */
            limit?: number;
            /** `nextCursor` of the page before. */
            cursor?: string;
        };
    };
}
