// Generated from sdk/openapi.json by `npm run generate`: do not edit.

export interface paths {
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Is the process alive? */
        get: operations["service_alive"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Metrics */
        get: operations["service_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Does it take work? */
        get: operations["service_ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agent-definitions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List agent definitions */
        get: operations["definition_list"];
        put?: never;
        /** Create an agent definition */
        post: operations["definition_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agent-definitions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** View an agent definition */
        get: operations["definition_view"];
        /** Change an agent definition */
        put: operations["definition_update"];
        post?: never;
        /** Archive an agent definition */
        delete: operations["definition_archive"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agent-definitions/{id}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List an agent definition's versions */
        get: operations["definition_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** View an agent */
        get: operations["agent_view"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{id}/exec": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Execute code */
        post: operations["agent_exec"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{id}/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a file */
        get: operations["file_read"];
        /** Write a file */
        put: operations["file_write"];
        post?: never;
        /** Delete a file, or a directory with all that is in it */
        delete: operations["file_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{id}/files/list": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List a directory */
        get: operations["file_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{id}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List an agent's log */
        get: operations["agent_logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Pause an agent */
        post: operations["agent_pause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{id}/ports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List exposed ports */
        get: operations["port_list"];
        put?: never;
        /** Expose a port */
        post: operations["port_expose"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{id}/ports/{port}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Close a port */
        delete: operations["port_close"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Resume a paused agent */
        post: operations["agent_resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Retry an agent's last task */
        post: operations["agent_retry"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{id}/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Run a task on an agent */
        post: operations["agent_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{id}/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Stream an agent's events */
        get: operations["agent_stream"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/agents/{id}/terminate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Terminate an agent */
        post: operations["agent_terminate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List API keys */
        get: operations["api_key_list"];
        put?: never;
        /** Create an API key */
        post: operations["api_key_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke an API key */
        delete: operations["api_key_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/api-keys/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Rotate an API key */
        post: operations["api_key_rotate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List events */
        get: operations["audit_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Verify the hash chain */
        get: operations["audit_verify"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/audit/{kind}/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a thing as it was */
        get: operations["audit_state"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/billing/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Export usage records */
        get: operations["billing_export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/billing/exports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List pushes */
        get: operations["export_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/billing/exports/metronome": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Push usage to Metronome */
        post: operations["export_to_metronome"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/billing/exports/stripe": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Push usage to Stripe */
        post: operations["export_to_stripe"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/billing/exports/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a push */
        get: operations["export_view"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/billing/exports/{id}/records": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the usage records of a push */
        get: operations["export_records"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/billing/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a period in figures */
        get: operations["billing_usage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/billing/usage/daily": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the costs of days */
        get: operations["billing_daily"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/billing/usage/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the costs of models */
        get: operations["billing_models"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/billing/usage/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the costs of users */
        get: operations["billing_users"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/billing/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Verify the bill */
        get: operations["billing_verify"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List models */
        get: operations["model_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/models/{id}/price": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Set your own price of a model */
        put: operations["model_price_set"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/providers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List providers */
        get: operations["provider_list"];
        put?: never;
        /** Configure a provider */
        post: operations["provider_configure"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/providers/{provider}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove a provider */
        delete: operations["provider_remove"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/providers/{provider}/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Check a provider */
        post: operations["provider_check"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/secrets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List secrets */
        get: operations["secret_list"];
        put?: never;
        /** Set a secret */
        post: operations["secret_set"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/secrets/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete a secret */
        delete: operations["secret_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List sessions */
        get: operations["session_list"];
        put?: never;
        /** Create a session */
        post: operations["session_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/by-user/{userId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Get or create a user's session */
        post: operations["session_for_user"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a session */
        get: operations["session_view"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change a session */
        patch: operations["session_update"];
        trace?: never;
    };
    "/v1/sessions/{id}/agents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List a session's agents */
        get: operations["agent_list"];
        put?: never;
        /** Create an agent */
        post: operations["agent_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}/end": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End a session */
        post: operations["session_end"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Run a task and wait for it */
        post: operations["session_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List a session's tasks */
        get: operations["task_list"];
        put?: never;
        /** Submit a task */
        post: operations["task_submit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}/tasks/{taskId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** View a task */
        get: operations["task_view"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}/tasks/{taskId}/artifacts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a task's artifact */
        get: operations["task_artifact"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}/tasks/{taskId}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Cancel a task */
        post: operations["task_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}/tasks/{taskId}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List a task's webhook deliveries */
        get: operations["task_deliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}/tasks/{taskId}/steps": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List a task's steps */
        get: operations["task_steps"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}/tasks/{taskId}/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Stream a task's events */
        get: operations["task_stream"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/sessions/{id}/tasks/{taskId}/wait": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Wait for a task */
        get: operations["task_wait"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the settings */
        get: operations["settings_view"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change the settings */
        patch: operations["settings_update"];
        trace?: never;
    };
    "/v1/settings/webhook-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the webhooks' secret */
        get: operations["webhook_secret"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/snapshots": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List snapshots */
        get: operations["snapshot_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/snapshots/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Delete a snapshot */
        delete: operations["snapshot_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tools": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List tools */
        get: operations["tool_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/tools/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** View a tool */
        get: operations["tool_view"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/usage/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get what was used, and what it costs */
        get: operations["usage_summary"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description An agent: one sandbox and what may run in it. */
        Agent: {
            approvals?: components["schemas"]["Approvals"];
            browser: boolean;
            compute: components["schemas"]["Compute"];
            /**
             * Format: double
             * @description Minutes of running compute as of now, to a thousandth.
             */
            computeMinutes: number;
            /** @description As of now, with the compute and the task that still run. */
            cost: components["schemas"]["Money"];
            costCap?: components["schemas"]["Money"];
            /** Format: date-time */
            createdAt: string;
            /**
             * @description The task that it works on.
             * @example task_01HX0000000000000000000001
             */
            currentTaskId?: string;
            /** @description What it was made of. */
            definition?: components["schemas"]["OfDefinition"];
            /** @description Why it failed, or why its last pause or resume did. */
            error?: components["schemas"]["Failure"];
            guardrails?: components["schemas"]["Guardrails"];
            /** @example agt_01HX0000000000000000000001 */
            id: string;
            instructions?: string;
            knowledge: string[];
            metadata: components["schemas"]["Metadata"];
            model?: components["schemas"]["Model"];
            /** @description Names, never values. */
            secrets: string[];
            /** @example ses_01HX0000000000000000000001 */
            sessionId: string;
            /** @description The latest snapshot: what `resume` starts from. */
            snapshot?: components["schemas"]["SnapshotRef"];
            /**
             * Format: date-time
             * @description When its sandbox was first there; null before.
             */
            startedAt?: string;
            state: components["schemas"]["State"];
            /** @description The same as `state`. */
            status: components["schemas"]["State"];
            /**
             * Format: int32
             * @description Seconds that a run may take.
             */
            timeout: number;
            tools: string[];
            /** Format: date-time */
            updatedAt: string;
        };
        /**
         * @description A reusable configuration of agents, as one of its versions has it; what that leaves open is
         *     absent.
         */
        AgentDefinition: {
            approvals?: components["schemas"]["Approvals"];
            /** @description No new agents are made of it. */
            archived: boolean;
            browser?: boolean;
            /** @description It exists from the start and cannot be changed; an own one of its name goes before it. */
            builtIn: boolean;
            compute?: components["schemas"]["DefinitionCompute"];
            costCap?: components["schemas"]["Money"];
            /** Format: date-time */
            createdAt: string;
            guardrails?: components["schemas"]["Guardrails"];
            /** @example adef_01HX0000000000000000000001 */
            id: string;
            instructions?: string;
            knowledge?: string[];
            metadata: components["schemas"]["Metadata"];
            model?: components["schemas"]["Model"];
            /** @example Research Assistant */
            name: string;
            secrets?: string[];
            /**
             * Format: int32
             * @description Seconds that a run may take.
             */
            timeout?: number;
            tools?: string[];
            /**
             * Format: date-time
             * @description In a list of versions: when the version was made.
             */
            updatedAt: string;
            /**
             * Format: int32
             * @description From 1; every change makes the next one.
             */
            version: number;
        };
        /** @description One entry of an agent's log. */
        AgentLogEntry: {
            level: components["schemas"]["Level"];
            /** @example The code ended with exit code 0 after 12 ms. */
            message: string;
            /** Format: date-time */
            time: string;
            /**
             * @description The event's type.
             * @example execution.completed
             */
            type: string;
        };
        /** @description An API key. Its secret is not in it: we only have its hash. */
        ApiKey: {
            /** Format: date-time */
            createdAt: string;
            /**
             * @description Its beginning and end, to recognise it by.
             * @example th_live_…x7Qk
             */
            hint: string;
            /** @example key_01KAMQ7W7DXK8Q9S8XJ0V3T5RB */
            id: string;
            /**
             * @description The whole key. Shown this once: keep it.
             * @example th_live_…
             */
            key?: string;
            /**
             * @description `live` or `test`: the mode of the key that created it.
             * @example live
             */
            mode: string;
            name: string;
            /**
             * Format: date-time
             * @description Since when it no longer works.
             */
            revokedAt?: string;
            /** Format: date-time */
            rotatedAt?: string;
        };
        /** @description Tools that need a human's yes before they run. */
        Approvals: {
            tools?: string[];
        };
        /** @description What was compared. */
        BillCheck: {
            /** Format: int64 */
            differences: number;
            /**
             * @description A read model, `records` (the usage records by themselves), the ledger of a biller, or
             *     `stripe`: what Stripe says itself.
             * @example sessions
             */
            name: string;
            /** Format: int64 */
            rows: number;
        };
        /** @description One amount that is not what it must be. */
        BillDifference: {
            /** @description The positions of the events that it comes from. */
            events: string[];
            /** @example cost */
            field: string;
            /** @description What is there; absent where the row is missing. */
            found?: string;
            /** @description Which row, usage record, or customer of Stripe's. */
            key: string;
            /** @description What the log says. */
            log: string;
            /** @example sessions */
            name: string;
            reason: string;
        };
        /** @description What has become of the period's usage records that cost something at one biller. */
        BillLedger: {
            /** @example stripe */
            exporter: string;
            totals: components["schemas"]["BillLedgerTotal"][];
        };
        BillLedgerTotal: {
            /** @description Why they were not acknowledged. */
            code?: string;
            /** @description What they cost, in picodollars. */
            costPico: string;
            /** Format: int64 */
            records: number;
            /**
             * @description `acknowledged`, `pending`, `rejected`, or `unsent`: no push has looked at them yet.
             * @example acknowledged
             */
            status: string;
        };
        /** @description What a verification of the bill found. */
        BillVerification: {
            checks: components["schemas"]["BillCheck"][];
            /**
             * Format: int64
             * @description All of yours that were folded.
             */
            commits: number;
            /** @description What they cost. */
            cost: components["schemas"]["Money"];
            /** @description The same in picodollars, not rounded. */
            costPico: string;
            /** @description The first hundred. */
            differences: components["schemas"]["BillDifference"][];
            /** @description What has become of it at each biller that usage was pushed to. */
            ledgers: components["schemas"]["BillLedger"][];
            /** @description Whether nothing differs. */
            ok: boolean;
            period: components["schemas"]["VerifiedPeriod"];
            /**
             * Format: int64
             * @description The last commit that was folded.
             */
            position: number;
            /**
             * Format: int64
             * @description Usage records of the period.
             */
            records: number;
        };
        /** @description What usage is pushed to a biller with. */
        BillerSettings: {
            /** @description The biller's customer of each user. */
            customers?: {
                [key: string]: string;
            };
            eventName?: string;
            meterId?: string;
        };
        /** @description What to change of how usage is pushed to billers. */
        Billing: {
            metronome?: components["schemas"]["UpdateBiller"];
            stripe?: components["schemas"]["UpdateBiller"];
        };
        /** @description What an answer is about. */
        BillingPeriod: {
            /** Format: date-time */
            from: string;
            /**
             * Format: date-time
             * @description Not in the period any more.
             */
            until: string;
        };
        /** @description A period in figures. */
        BillingUsage: {
            /**
             * Format: int64
             * @description That began in the period.
             * @example 126
             */
            agents: number;
            /**
             * Format: int64
             * @example 310
             */
            computeMinutes: number;
            /**
             * Format: int64
             * @example 1842
             */
            modelCalls: number;
            period: components["schemas"]["BillingPeriod"];
            /**
             * Format: int64
             * @description That began in the period.
             * @example 47
             */
            sessions: number;
            totalCost: components["schemas"]["Money"];
        };
        /** @description The rows of a breakdown. */
        Breakdown_DailyCost: {
            data: components["schemas"]["DailyCost"][];
        };
        /** @description The rows of a breakdown. */
        Breakdown_ModelCost: {
            data: components["schemas"]["ModelCost"][];
        };
        /** @description The rows of a breakdown. */
        Breakdown_UserCost: {
            data: components["schemas"]["UserCost"][];
        };
        Broken: {
            /** Format: int64 */
            position: number;
            reason: string;
        };
        /** @description Where agents run. */
        Compute: {
            /** @description The name of a secret with the provider's credentials. */
            credentialRef?: string;
            provider?: components["schemas"]["ProviderName"];
        };
        /** @description Running compute; with your own providers, our fee for it. */
        ComputeSummary: {
            cost: components["schemas"]["Money"];
            /**
             * Format: int64
             * @example 142
             */
            minutes: number;
        };
        ConfigureProvider: {
            /**
             * @description What the provider needs (API keys, endpoints), `{}` for `local`. Encrypted at rest, never
             *     shown again.
             */
            credentials: components["schemas"]["Credentials"];
            /** @description Whether new agents run on it unless they say otherwise. */
            isDefault?: boolean;
            provider: components["schemas"]["ProviderName"];
        };
        /**
         * @description What a new agent is made of. Everything is optional: what is left out comes from the definition,
         *     then from the session, then from the platform's settings.
         */
        CreateAgent: {
            approvals?: components["schemas"]["Approvals"];
            /** @description Attach a headless browser to the sandbox. Default: false. */
            browser?: boolean;
            compute?: components["schemas"]["Compute"];
            /** @description A hard cap on what this agent may cost. */
            costCap?: components["schemas"]["Money"];
            /**
             * @description The id or the name of a definition to make it of.
             * @example researcher
             */
            definition?: string;
            guardrails?: components["schemas"]["Guardrails"];
            /** @description Prepended to every task. */
            instructions?: string;
            /** @description Ids of knowledge bases to attach. */
            knowledge?: string[];
            /** @description Your own key-value pairs. */
            metadata?: components["schemas"]["Metadata"];
            /** @description The model it thinks with: a name, or an object in one of three shapes. */
            model?: components["schemas"]["Model"];
            /** @description Names of secrets that the agent's code sees as environment variables. */
            secrets?: string[];
            /** @description Start from this snapshot's files, also of another agent or session of yours. */
            snapshotId?: string;
            /**
             * Format: int32
             * @description Seconds that a run may take. Default: 300.
             */
            timeout?: number;
            /**
             * @description Names of tools to enable.
             * @example [
             *       "web_search",
             *       "write_file"
             *     ]
             */
            tools?: string[];
        };
        CreateApiKey: {
            /**
             * @description What it is for.
             * @example production backend
             */
            name: string;
        };
        /**
         * @description A new definition. All but its name is optional: what is left out comes from the session and the
         *     settings when an agent is made of it.
         */
        CreateDefinition: {
            approvals?: components["schemas"]["Approvals"];
            browser?: boolean;
            compute?: components["schemas"]["DefinitionCompute"];
            /** @description A hard cap on what an agent may cost. */
            costCap?: components["schemas"]["Money"];
            guardrails?: components["schemas"]["Guardrails"];
            /** @description System-level instructions. */
            instructions?: string;
            knowledge?: string[];
            metadata?: components["schemas"]["Metadata"];
            model?: components["schemas"]["Model"];
            /**
             * @description What agents are made by, besides the id.
             * @example Research Assistant
             */
            name: string;
            /** @description Names of secrets that the agent's code sees as environment variables. */
            secrets?: string[];
            /**
             * Format: int32
             * @description Seconds that a run may take.
             */
            timeout?: number;
            /**
             * @description Names of tools to enable.
             * @example [
             *       "web_search",
             *       "write_file"
             *     ]
             */
            tools?: string[];
        };
        /** @description A new session for one of your users. */
        CreateSessionBody: {
            /** @description Where its agents run that do not say. */
            compute?: components["schemas"]["Compute"];
            limits?: components["schemas"]["Limits"];
            metadata?: components["schemas"]["Metadata"];
            /** @description The model of its agents that name none. */
            model?: components["schemas"]["Model"];
            /**
             * @description Your own name for the user. Opaque to us.
             * @example user_123
             */
            userId: string;
        };
        /** @description A JSON object, as it was sent. What is in it is not for logs. */
        Credentials: {
            [key: string]: unknown;
        };
        /** @enum {string} */
        Currency: "usd";
        /** @description What one UTC day costs. */
        DailyCost: {
            cost: components["schemas"]["Money"];
            /**
             * Format: date
             * @example 2025-05-01
             */
            date: string;
        };
        /** @description Where agents of a definition run, and for how long. */
        DefinitionCompute: {
            /** @description The name of a secret with the provider's credentials. */
            credentialRef?: string;
            provider?: components["schemas"]["ProviderName"];
            /**
             * Format: int32
             * @description The same as `timeout` of the definition itself.
             */
            timeout?: number;
        };
        /** @description One webhook, from the first try to the last. */
        Delivery: {
            /**
             * Format: int32
             * @description Tries so far.
             */
            attempts: number;
            /** Format: date-time */
            createdAt: string;
            /**
             * @description Also the `webhook-id` header of every try.
             * @example whd_01HX0000000000000000000001
             */
            id: string;
            /** @description Why the last try got no answer. */
            lastError?: string;
            /**
             * Format: int32
             * @description The HTTP status of the last answer.
             */
            lastStatus?: number;
            /**
             * Format: date-time
             * @description When the next try is due.
             */
            nextAttemptAt?: string;
            status: components["schemas"]["DeliveryStatus"];
            /** @example task_01HX0000000000000000000001 */
            taskId: string;
            /** Format: date-time */
            updatedAt: string;
            url: string;
        };
        /** @description Whether a delivery has arrived. */
        DeliveryStatus: ("pending" | "delivered" | "failed") | unknown;
        /** @description The task is completed, and this is its last event. */
        DoneEvent: {
            result: components["schemas"]["RunResult"];
            taskId: string;
        };
        ErrorBody: {
            /**
             * @description For programs.
             * @example unprocessable_entity
             */
            code: string;
            details?: components["schemas"]["ErrorDetails"];
            /** @description For people: what is wrong, and what to do about it. */
            message: string;
            /**
             * @description Also in the `X-Request-Id` header, in our logs, and in every event that the request caused.
             * @example req_01KAMQ7W7DXK8Q9S8XJ0V3T5RB
             */
            requestId: string;
        };
        ErrorDetails: {
            /** @description With `unprocessable_entity`: each field to mend. */
            fields?: components["schemas"]["ErrorField"][];
            /** @description What that task had said by then. */
            output?: string;
            /**
             * Format: int32
             * @description Seconds to wait.
             */
            retryAfter?: number;
            /**
             * @description The task that it is about.
             * @example task_01HX0000000000000000000001
             */
            taskId?: string;
        };
        /** @description Every answer that is not a 2xx. */
        ErrorEnvelope: {
            error: components["schemas"]["ErrorBody"];
        };
        /**
         * @description The task has failed or was cancelled (`code` is `cancelled`), and this is its last event; or the
         *     stream was cut, and goes on when it is asked for again.
         */
        ErrorEvent: {
            /** @example provider_error */
            code: string;
            message: string;
            /**
             * @description Only the stream was cut, not the run: connect again with the `Last-Event-ID` of the last
             *     event that had one. Such an event has no `id` of its own.
             */
            resumable: boolean;
            taskId?: string;
        };
        ErrorField: {
            /** @example must not be negative */
            message: string;
            /** @example limits.maxCost.amount */
            path: string;
        };
        /** @description One event: something that happened, and who caused it. */
        Event: {
            /** @example key:key_01KAMQ7W7DXK8Q9S8XJ0V3T5RB */
            actor: string;
            agentId?: string;
            commitId: string;
            /** @description The event's own data; secrets are left out of it. */
            data: {
                [key: string]: unknown;
            };
            /**
             * @description Of the commit and its place in it: unique for ever.
             * @example evt_01KAMQ7W7DXK8Q9S8XJ0V3T5RB-0
             */
            id: string;
            key: string;
            /**
             * @description What it happened to.
             * @example session
             */
            kind: string;
            /**
             * Format: int64
             * @description Its commit's place in the log.
             */
            position: number;
            /** @description The request that caused it. */
            requestId?: string;
            sessionId?: string;
            taskId?: string;
            /** Format: date-time */
            time: string;
            /** @example session.created */
            type: string;
            userId?: string;
        };
        /** @description Code to run in an agent's sandbox. */
        Exec: {
            /**
             * @description At most 1 MiB.
             * @example print(2 + 2)
             */
            code: string;
            lang: components["schemas"]["Lang"];
        };
        /** @description What the code printed and how it ended. A non-zero exit code is an answer, not an error. */
        ExecResult: {
            /**
             * Format: int64
             * @example 12
             */
            durationMs: number;
            /**
             * Format: int32
             * @description The exit status; 128 + n when signal n ended it.
             * @example 0
             */
            exitCode: number;
            /** @example exe_01HX0000000000000000000001 */
            id: string;
            /**
             * @description The first MiB of it.
             * @example
             */
            stderr: string;
            /**
             * @description The first MiB of it.
             * @example 4
             */
            stdout: string;
            /** @description Whether stdout or stderr was longer than what is kept. */
            truncated: boolean;
        };
        /** @description A push of usage to a biller. */
        Export: {
            /** @description Why records were rejected or are pending, and how many. */
            codes: {
                [key: string]: number;
            };
            /** @description What the records cost that it sent and that were acknowledged. */
            cost: components["schemas"]["Money"];
            /** Format: date-time */
            createdAt: string;
            /** Format: date-time */
            endedAt?: string;
            /** @example stripe */
            exporter: string;
            /** @description Why it was given up. */
            failure?: components["schemas"]["ExportFailure"];
            /** Format: date-time */
            from?: string;
            /** @example exp_01HX0000000000000000000001 */
            id: string;
            /** @description All usage records that this biller was ever to be told of, by what became of them. */
            ledger?: components["schemas"]["LedgerTotal"][];
            records: components["schemas"]["ExportRecords"];
            retryRejected: boolean;
            status: components["schemas"]["ExportStatus"];
            /** Format: date-time */
            until?: string;
            /** Format: date-time */
            updatedAt: string;
            /**
             * @description Users that are no customers of the biller's, with the records that wait for that; the first
             *     100 of them. Name the customer in the session's metadata, or in the settings.
             */
            usersWithoutCustomer: components["schemas"]["UserWithoutCustomer"][];
        };
        /** @description Why a push was given up. */
        ExportFailure: {
            /** @example unauthorized */
            code: string;
            message: string;
        };
        /** @description What became of the usage records of a push. */
        ExportRecords: {
            /** Format: int64 */
            acknowledged: number;
            /**
             * Format: int64
             * @description The biller may or may not have them; the next push settles that.
             */
            pending: number;
            /** Format: int64 */
            rejected: number;
            /**
             * Format: int64
             * @description They cost nothing.
             */
            skipped: number;
        };
        /** @description Whether a push has ended. */
        ExportStatus: ("running" | "finished" | "failed") | unknown;
        /** @description What became of one usage record. */
        ExportedRecord: {
            /**
             * @description Why, unless it is acknowledged.
             * @example no_customer
             */
            code?: string;
            /**
             * @description Picodollars, as a decimal.
             * @example 50000833333
             */
            costPico: string;
            /** @description The biller's customer. */
            customer?: string;
            /** @example ses_01HX0000000000000000000001 */
            sessionId: string;
            status: components["schemas"]["RecordStatus"];
            /** Format: date-time */
            updatedAt: string;
            /** @example compute/agt_01HX0000000000000000000001/0 */
            usageId: string;
            /** Format: date-time */
            usedAt: string;
            userId: string;
        };
        /** @description A port to expose. */
        ExposePort: {
            /**
             * Format: int64
             * @example 8080
             */
            port: number;
        };
        /** @description Why something did not succeed. */
        Failure: {
            /** @example provider_error */
            code: string;
            message: string;
        };
        /** @description An entry of a directory. */
        FileEntry: {
            isDirectory: boolean;
            /** @example input.json */
            name: string;
            /**
             * Format: int64
             * @description Bytes; 0 for a directory.
             */
            size: number;
        };
        /** @description What the agent must not do. */
        Guardrails: {
            /**
             * @description The only domains that the sandbox reaches: `github.com`, or `*.github.com` for all below
             *     it. Absent: every public one.
             */
            allowedDomains?: string[];
            /** @description Keep personal data out of what the agent sends. */
            blockPii?: boolean;
        };
        /**
         * @description What a task is asked to do: a text, or an object that the model sees as JSON.
         * @example {
         *       "query": "analyze competitor pricing for Q2 2025"
         *     }
         */
        Input: string | {
            [key: string]: unknown;
        };
        /** @description A model that is known, with what it costs. */
        KnownModel: {
            /** @description Whether the platform has a key for it; without one, give your own with `credentialRef`. */
            available: boolean;
            /**
             * Format: int32
             * @description Tokens of prompt and answer together.
             */
            contextWindow?: number;
            /**
             * @description `vendor/model`: what `model` may be set to.
             * @example anthropic/claude-sonnet-5-5
             */
            id: string;
            /**
             * Format: int32
             * @description Tokens of an answer.
             */
            maxOutput?: number;
            /**
             * @description The vendor's own id.
             * @example claude-sonnet-5-5
             */
            model: string;
            /** @description Your own price, which goes before it. */
            ownPrice?: components["schemas"]["Price"];
            /** @description The vendor's price; absent when it is not known. */
            price?: components["schemas"]["Price"];
            /** @example anthropic */
            vendor: string;
        };
        /**
         * @description What the code is written in.
         * @enum {string}
         */
        Lang: "python" | "typescript" | "bash";
        /** @description How many usage records are in one state. */
        LedgerTotal: {
            code?: string;
            /** Format: int64 */
            records: number;
            status: components["schemas"]["RecordStatus"];
        };
        /** @description How much an entry matters. */
        Level: ("info" | "warn" | "error") | unknown;
        /** @description What a session may spend and hold. An absent limit is no limit. */
        Limits: {
            /**
             * Format: int32
             * @description Agents at the same time.
             * @example 3
             */
            maxAgents?: number;
            /**
             * Format: int64
             * @description Minutes of compute over the session's life.
             * @example 600
             */
            maxComputeMinutes?: number;
            maxCost?: components["schemas"]["MaxCost"];
        };
        /** @description The same for long prompts. */
        LongPromptPrice: {
            cacheRead: string;
            cacheWrite: string;
            cacheWriteLong: string;
            input: string;
            output: string;
            /**
             * Format: int64
             * @description Tokens of prompt, above which it holds.
             */
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
            /**
             * Format: int64
             * @description Cents.
             */
            amount: number;
            currency: components["schemas"]["Currency"];
            /** @description What the amount is for, in UTC; `session` when absent. */
            period?: components["schemas"]["Period"];
        };
        /**
         * @description Your own key-value pairs: at most 50, 16 KiB as JSON.
         * @example {
         *       "plan": "pro"
         *     }
         */
        Metadata: {
            [key: string]: unknown;
        };
        /**
         * @description A model: its name, or an object with its settings. The most specific of platform, session and
         *     agent wins.
         * @example anthropic/claude-sonnet
         */
        Model: string | components["schemas"]["ModelSettings"];
        /** @description What one model costs. */
        ModelCost: {
            /** Format: int64 */
            calls: number;
            cost: components["schemas"]["Money"];
            /**
             * Format: int64
             * @description Whole prompts: also what was read from a cache or written to one, once.
             */
            inputTokens: number;
            /**
             * @description By its vendor's word.
             * @example claude-sonnet-4-20250514
             */
            model: string;
            /** Format: int64 */
            outputTokens: number;
            /**
             * Format: int64
             * @description Calls that had no price, so that the cost is too low. Absent when there are none.
             */
            unpricedCalls?: number;
        };
        /** @description What a model is called for. */
        ModelPurpose: ("turn" | "summary") | unknown;
        /**
         * @description `{ id, maxTokens, temperature }`, `{ provider, credentialRef, id? }` or
         *     `{ baseUrl, credentialRef, name }`.
         */
        ModelSettings: {
            /** @description A compatible gateway. */
            baseUrl?: string;
            /** @description The name of a secret that holds the key. */
            credentialRef?: string;
            id?: string;
            /** Format: int32 */
            maxTokens?: number;
            /** @description The model's name at the gateway. */
            name?: string;
            /** @description `anthropic` or `openai`, with your own key. */
            provider?: string;
            /** Format: double */
            temperature?: number;
        };
        /** @description Model calls; with your own keys, our fee for them. */
        ModelSummary: {
            cost: components["schemas"]["Money"];
            /**
             * Format: int64
             * @description Whole prompts: also what was read from a cache or written to one, once.
             * @example 1240000
             */
            inputTokens: number;
            /**
             * Format: int64
             * @example 380000
             */
            outputTokens: number;
        };
        /**
         * @description An amount of money.
         * @example {
         *       "amount": 42,
         *       "currency": "usd"
         *     }
         */
        Money: {
            /**
             * Format: int64
             * @description Cents.
             */
            amount: number;
            currency: components["schemas"]["Currency"];
        };
        /** @description The version of a definition that an agent was made of. */
        OfDefinition: {
            /** @example adef_01HX0000000000000000000001 */
            id: string;
            /** Format: int32 */
            version: number;
        };
        /** @description `{ "ok": true }` */
        Ok: {
            /**
             * @description Always true.
             * @example true
             */
            ok: boolean;
        };
        /** @description The task's final text, whole; of a failed task, what there was of it. */
        OutputEvent: {
            cost: components["schemas"]["Money"];
            taskId: string;
            text: string;
        };
        /** @description A page of a list. */
        PageBody_Agent: {
            data: components["schemas"]["Agent"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_AgentDefinition: {
            data: components["schemas"]["AgentDefinition"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_AgentLogEntry: {
            data: components["schemas"]["AgentLogEntry"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_ApiKey: {
            data: components["schemas"]["ApiKey"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_Delivery: {
            data: components["schemas"]["Delivery"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_Event: {
            data: components["schemas"]["Event"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_Export: {
            data: components["schemas"]["Export"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_ExportedRecord: {
            data: components["schemas"]["ExportedRecord"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_FileEntry: {
            data: components["schemas"]["FileEntry"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_KnownModel: {
            data: components["schemas"]["KnownModel"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_Port: {
            data: components["schemas"]["Port"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_Provider: {
            data: components["schemas"]["Provider"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_Secret: {
            data: components["schemas"]["Secret"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_Session: {
            data: components["schemas"]["Session"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_Snapshot: {
            data: components["schemas"]["Snapshot"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_Step: {
            data: components["schemas"]["Step"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_Task: {
            data: components["schemas"]["Task"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @description A page of a list. */
        PageBody_Tool: {
            data: components["schemas"]["Tool"][];
            /** @description Whether there is a next page. */
            hasMore: boolean;
            /**
             * @description Give it as `cursor` to get the next page; absent on the last one.
             * @example cur_AAAAAAAAAGQ5pQ0c2mM0hN0qkYbJxqgt
             */
            nextCursor?: string;
        };
        /** @enum {string} */
        Period: "session" | "day" | "month";
        /**
         * @description A port that is reachable from outside. Its URL is valid while the agent lives and asks for no
         *     key: whoever knows it can use it.
         */
        Port: {
            /**
             * @description The same port below this API's own origin, for where the name in `url` does not resolve.
             *     Pages get no cookies and an opaque origin there.
             * @example http://localhost:7070/v1/ports/agt_01HX0000000000000000000001/8080/
             */
            pathUrl: string;
            /**
             * Format: int32
             * @example 8080
             */
            port: number;
            /**
             * @description An origin of its own.
             * @example http://agt-01hx0000000000000000000001-8080.localhost:7070
             */
            url: string;
        };
        /** @description A price in US dollars for a million tokens, as decimals. */
        Price: {
            /** @example 0.1 */
            cacheRead: string;
            /** @example 2.5 */
            cacheWrite: string;
            /**
             * @description Of what is written to a cache that lasts an hour or longer.
             * @example 4
             */
            cacheWriteLong: string;
            /**
             * @description The row of the price table: usage records name it.
             * @example anthropic/claude-sonnet-5-5@2026-10-07
             */
            id: string;
            /** @example 2 */
            input: string;
            /** @description What holds for all tokens of a call with a longer prompt. */
            longPrompt?: components["schemas"]["LongPromptPrice"];
            /** @example 10 */
            output: string;
            /**
             * @description The date from which it holds; absent where it always did.
             * @example 2026-10-07
             */
            since?: string;
        };
        /** @description What the agent says of its progress. */
        ProgressEvent: {
            /**
             * @description Absent where it said nothing new.
             * @example Searching the web...
             */
            message?: string;
            /**
             * Format: double
             * @description 0 to 1.
             * @example 0.65
             */
            progress: number;
            taskId: string;
        };
        /** @description A compute provider that is configured. */
        Provider: {
            /** Format: date-time */
            createdAt: string;
            isDefault: boolean;
            provider: components["schemas"]["ProviderName"];
            status: components["schemas"]["ProviderStatus"];
        };
        /** @description What a live check of a provider found. */
        ProviderCheck: {
            healthy: boolean;
            /** @description What is wrong, or what was found. */
            message: string;
            provider: components["schemas"]["ProviderName"];
        };
        /** @enum {string} */
        ProviderName: "local" | "docker" | "e2b" | "fly" | "webhook" | "mock";
        /** @description Whether a provider took work when it was last looked at. */
        ProviderStatus: ("active" | "unavailable") | unknown;
        /**
         * Format: binary
         * @description A file's bytes, as they are.
         */
        RawBytes: string;
        /** @description Whether a biller has a usage record. */
        RecordStatus: ("pending" | "acknowledged" | "rejected") | unknown;
        /** @description A tool that a model asks for. */
        RequestedTool: {
            /** @description Unique within its turn. */
            id: string;
            /** @description As the model gave it; a text where that is not JSON. */
            input: unknown;
            name: string;
        };
        /** @description What an agent resumes from. */
        ResumeAgent: {
            /** @description Absent: the agent's own latest snapshot, where it left off. */
            snapshotId?: string;
        };
        /** @description A task for one agent. */
        RunAgent: {
            /**
             * Format: int32
             * @description Model calls that it may make. Default: 100.
             */
            maxSteps?: number;
            /** @description Which tasks go first. Default: `normal`. */
            priority?: components["schemas"]["TaskPriority"];
            /** @description What to do: a text, or an object that the model sees as JSON. At most 1 MiB. */
            task: components["schemas"]["Input"];
            /** @description A URL that is told when the task has ended. */
            webhook?: string;
        };
        /** @description What a run came to. */
        RunResult: {
            /** @description Paths of the files that it made or changed. */
            artifacts: string[];
            cost: components["schemas"]["Money"];
            /**
             * Format: int64
             * @description Milliseconds that it was worked on.
             */
            duration: number;
            /** @description The final text. */
            output: string;
            /** @example task_01HX0000000000000000000001 */
            taskId: string;
            toolCalls: components["schemas"]["ToolCall"][];
        };
        /** @description A task whose answer is waited for. Exactly one of `task` and `input` is given. */
        RunSession: {
            /**
             * @description The definition, by id or by name, of the agent that is made for it and goes with it.
             * @example researcher
             */
            agent: string;
            /** @description A hard cap on its cost; goes before the definition's. */
            costCap?: components["schemas"]["Money"];
            /** @description The same as `task`. */
            input?: components["schemas"]["Input"];
            /**
             * Format: int32
             * @description Model calls that it may make. Default: 100.
             */
            maxSteps?: number;
            /** @description Goes before the definition's. */
            model?: components["schemas"]["Model"];
            /** @description Which tasks go first. Default: `normal`. */
            priority?: components["schemas"]["TaskPriority"];
            /** @description What to do: a text, or an object that the model sees as JSON. At most 1 MiB. */
            task?: components["schemas"]["Input"];
            /**
             * Format: int32
             * @description Seconds that the run may take; goes before the definition's.
             */
            timeout?: number;
            /** @description A URL that is told when the task has ended. */
            webhook?: string;
        };
        /** @description A secret without its value. */
        Secret: {
            /** Format: date-time */
            createdAt: string;
            /** @example OPENAI_API_KEY */
            name: string;
            /**
             * @description `org`, or the id of its session.
             * @example org
             */
            scope: string;
        };
        /** @description What a probe hears. */
        ServiceStatus: {
            /**
             * Format: int64
             * @description Commits that the read models do not have yet.
             */
            behind?: number;
            /**
             * Format: int64
             * @description The last commit of the log.
             */
            position?: number;
            /** @example ok */
            status: string;
            /** @description Where this deployment keeps less than it promises, and what to do about it. */
            warnings?: string[];
        };
        /** @description The isolation, limits and bill of one of your users. */
        Session: {
            compute?: components["schemas"]["Compute"];
            /** Format: date-time */
            createdAt: string;
            /** @example ses_01KAMQ7W7DXK8Q9S8XJ0V3T5RB */
            id: string;
            limits: components["schemas"]["Limits"];
            metadata: components["schemas"]["Metadata"];
            model?: components["schemas"]["Model"];
            status: components["schemas"]["SessionStatus"];
            /** Format: date-time */
            updatedAt: string;
            usage: components["schemas"]["Usage"];
            /** @example user_123 */
            userId: string;
        };
        /**
         * @description What a session is created with, or what of it is changed. An absent field stays as it is; a
         *     given one is replaced whole.
         */
        SessionOptions: {
            /** @description Where its agents run that do not say. */
            compute?: components["schemas"]["Compute"];
            limits?: components["schemas"]["Limits"];
            metadata?: components["schemas"]["Metadata"];
            /** @description The model of its agents that name none. */
            model?: components["schemas"]["Model"];
        };
        /** @description Where a session is in its life. One that has reached `maxComputeMinutes` is paused. */
        SessionStatus: ("active" | "paused" | "ended") | unknown;
        /**
         * @description An own price of a model, in US dollars for a million tokens: decimals as strings, or numbers, of
         *     at most six places.
         */
        SetPrice: {
            /** @description Of what is read from a cache. Default: `input`. */
            cacheRead?: string;
            /** @description Of what is written to a cache. Default: `input`. */
            cacheWrite?: string;
            /** @description Of what is written to a cache that lasts an hour or longer. Default: `cacheWrite`. */
            cacheWriteLong?: string;
            /**
             * @description Of prompts.
             * @example 2.5
             */
            input: string;
            /**
             * @description Of answers, their reasoning included.
             * @example 10
             */
            output: string;
        };
        SetSecret: {
            /**
             * @description Letters, digits, underscores and hyphens.
             * @example OPENAI_API_KEY
             */
            name: string;
            /** @description The session that it is for; the whole org's when absent. */
            sessionId?: string;
            /**
             * Format: password
             * @description At most 64 KiB. Never shown again.
             * @example sk-…
             */
            value: string;
        };
        /** @description What holds where a session and an agent say nothing. */
        Settings: {
            /** @description What usage is pushed to each biller with. */
            billing?: {
                [key: string]: components["schemas"]["BillerSettings"];
            };
            /**
             * Format: int32
             * @description Day of the month that a billing period starts on.
             * @example 1
             */
            billingDay: number;
            compute?: components["schemas"]["Compute"];
            model?: components["schemas"]["Model"];
            /**
             * Format: date-time
             * @description Absent before the first change.
             */
            updatedAt?: string;
        };
        /** @description An agent's files as they were at a pause. */
        Snapshot: {
            /** @example agt_01HX0000000000000000000001 */
            agentId: string;
            /** Format: date-time */
            createdAt: string;
            /** @example snp_01HX0000000000000000000001 */
            id: string;
            /**
             * @description The provider that keeps it; an agent that starts from it runs there too.
             * @example local
             */
            provider: string;
            /** @example ses_01HX0000000000000000000001 */
            sessionId: string;
            /**
             * Format: int64
             * @description Bytes.
             */
            size: number;
        };
        /** @description A snapshot, as its agent shows it. */
        SnapshotRef: {
            /** @example snp_01HX0000000000000000000001 */
            id: string;
            /**
             * Format: int64
             * @description Bytes.
             */
            size: number;
        };
        /** @description What to push. All of it is optional: without anything, what was not pushed yet. */
        StartExport: {
            /**
             * @description Only usage at this time or later: RFC 3339, or a date.
             * @example 2026-11-01
             */
            from?: string;
            /** @description Also push again what was rejected. */
            retryRejected?: boolean;
            /**
             * @description Only usage before this time.
             * @example 2026-12-01
             */
            until?: string;
        };
        /** @description A push that is under way. */
        StartedExport: {
            /** @example exp_01HX0000000000000000000001 */
            exportId: string;
            status: components["schemas"]["ExportStatus"];
        };
        /** @description Where an agent is in its life. */
        State: ("provisioning" | "idle" | "running" | "paused" | "completed" | "failed" | "terminated") | unknown;
        /** @description A thing as it was. */
        StateAsOf: {
            /**
             * Format: date-time
             * @description When it became so.
             */
            at: string;
            id: string;
            /** @example session */
            kind: string;
            /**
             * Format: int64
             * @description The commit that made it so.
             */
            position: number;
            /** @description Without ciphertexts and hashes. */
            state: {
                [key: string]: unknown;
            };
        };
        /**
         * @description Something began, waits, goes on, or is tried again. Of the task where `taskId` is set, of the
         *     agent where `agentId` is.
         */
        StatusEvent: {
            agentId?: string;
            /**
             * Format: int32
             * @description Which attempt at the task: after the first, a worker was lost or stopped.
             */
            attempt?: number;
            /**
             * Format: int32
             * @description The model call with this step broke off: its `text` and `thinking` are void. Where it is
             *     made again, its text comes with another step.
             */
            discardedStep?: number;
            reason?: string;
            /**
             * @description A task: `queued`, `running`, `paused`, `cancelling`. An agent: its state.
             * @example running
             */
            status: string;
            taskId?: string;
        };
        /** @description One model call or one tool call of a run. One without `finishedAt` is under way. */
        Step: {
            /**
             * Format: int32
             * @description The attempt that began it.
             */
            attempt: number;
            /** @description Of a tool call: the model's id of it. */
            callId?: string;
            /** @description Of a model call, rounded by itself: a task's cost is rounded once, from the exact sum. */
            cost?: components["schemas"]["Money"];
            /** Format: int64 */
            durationMs: number;
            /** @description Why a model call did not come to its end. */
            error?: components["schemas"]["TaskFailure"];
            /**
             * @description Of a model call: why the model stopped.
             * @example tools
             */
            finish?: string;
            /** Format: date-time */
            finishedAt?: string;
            /** @description Of a tool call: as the model gave it; a text where that is not JSON. */
            input?: unknown;
            /** @description Of a tool call that has ended: whether the model was told of an error. */
            isError?: boolean;
            /** @description Of a model call: the model that answered, before that the one that is asked. */
            model?: string;
            /**
             * Format: int32
             * @description From 0, in the order in which they were begun.
             */
            number: number;
            /**
             * Format: int32
             * @description Of a tool call: the number of the model call that asked for it.
             */
            of?: number;
            /** @description Of a tool call: what the model was told; an object where that is one as JSON. */
            output?: unknown;
            /**
             * @description The row of the price table that the cost is by.
             * @example anthropic/claude-sonnet-5-5@2026-10-07
             */
            priceId?: string;
            /** @description Of a model call. */
            purpose?: components["schemas"]["ModelPurpose"];
            /** Format: date-time */
            startedAt: string;
            /** @description What the model said. */
            text?: string;
            /** @description The reasoning that the model showed. */
            thinking?: string;
            /**
             * @description Of a tool call: the tool's name.
             * @example web_search
             */
            tool?: string;
            /** @description The tools that the model asked for. */
            toolCalls?: components["schemas"]["RequestedTool"][];
            type: components["schemas"]["StepType"];
            /** @description Of a model call. */
            usage?: components["schemas"]["Tokens"];
            /**
             * @description Of a model call: the vendor, or the gateway's host.
             * @example anthropic
             */
            vendor?: string;
        };
        /** @description What a step is. */
        StepType: ("model_call" | "tool_call") | unknown;
        /** @description Snapshots and artifacts. */
        StorageSummary: {
            cost: components["schemas"]["Money"];
            /**
             * Format: double
             * @description GiB that were kept, on average over the period.
             * @example 0.4
             */
            gb: number;
        };
        /**
         * @description One event: `event` is its name in the stream, `data` the JSON of its `data:` line, and the `id:`
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
        /** @description A new task: either for an agent of its own, made of a definition, or for one that is there. */
        SubmitTask: {
            /**
             * @description The definition, by id or by name, of the agent that is made for it and goes with it.
             * @example researcher
             */
            agent?: string;
            /** @description Instead of `agent`: an agent of the session. A busy one takes its tasks one after the other. */
            agentId?: string;
            /** @description With `agent`: a hard cap on its cost; goes before the definition's. */
            costCap?: components["schemas"]["Money"];
            /** @description What to do: a text, or an object that the model sees as JSON. At most 1 MiB. */
            input: components["schemas"]["Input"];
            /**
             * Format: int32
             * @description Model calls that it may make. Default: 100.
             */
            maxSteps?: number;
            /** @description With `agent`: goes before the definition's. */
            model?: components["schemas"]["Model"];
            /** @description Which tasks go first. Default: `normal`. */
            priority?: components["schemas"]["TaskPriority"];
            /**
             * Format: int32
             * @description With `agent`: seconds that the run may take; goes before the definition's.
             */
            timeout?: number;
            /**
             * @description A URL that is told when the task has ended.
             * @example https://your-api.com/webhooks/task-complete
             */
            webhook?: string;
        };
        /** @description A task that was begun in the background. */
        Submitted: {
            /** @example agt_01HX0000000000000000000001 */
            agentId: string;
            /** @example task_01HX0000000000000000000001 */
            taskId: string;
        };
        /** @description A task: one run of an agent, from its submission to its end. */
        Task: {
            /** @example agt_01HX0000000000000000000001 */
            agentId: string;
            /**
             * @description Paths of the files that it made or changed.
             * @example [
             *       "/workspace/report.pdf"
             *     ]
             */
            artifacts: string[];
            /**
             * Format: int32
             * @description Workers that took it up so far.
             */
            attempt: number;
            /** @description Of its model calls and of the compute while it was worked on. */
            cost: components["schemas"]["Money"];
            /** Format: date-time */
            createdAt: string;
            /**
             * Format: int64
             * @description Milliseconds that it has been worked on.
             */
            duration: number;
            /** @description Why it failed. */
            error?: components["schemas"]["TaskFailure"];
            /** Format: date-time */
            finishedAt?: string;
            /** @example task_01HX0000000000000000000001 */
            id: string;
            /**
             * @description What the agent last reported that it does.
             * @example Processing 45 of 200 items…
             */
            message: string;
            /**
             * Format: int32
             * @description Model calls that it began.
             */
            modelCalls: number;
            /** @description The final text; of a failed task, what there was of it. */
            output?: string;
            priority: components["schemas"]["TaskPriority"];
            /**
             * Format: double
             * @description 0 to 1, as the agent reports it.
             * @example 0.65
             */
            progress: number;
            /** @description The task that this one does again. */
            retryOf?: string;
            /** @example ses_01HX0000000000000000000001 */
            sessionId: string;
            /** Format: date-time */
            startedAt?: string;
            status: components["schemas"]["TaskStatus"];
            /**
             * @description The same as `id`.
             * @example task_01HX0000000000000000000001
             */
            taskId: string;
            /** @description Absent in lists. */
            toolCalls?: components["schemas"]["ToolCall"][];
            /** @description A model without a known price was called: the cost is too low. */
            unpriced?: boolean;
            usage: components["schemas"]["Tokens"];
            /** @description Whether a webhook is told when it has ended; absent when none is. */
            webhook?: boolean;
        };
        /** @description Why a task failed: a code of the errors' table, and what to do about it. */
        TaskFailure: {
            /** @example provider_error */
            code: string;
            message: string;
        };
        /**
         * @description Which tasks go first: `high` before `normal` before `low`.
         * @enum {string}
         */
        TaskPriority: "high" | "normal" | "low";
        /** @description Where a task is in its life. */
        TaskStatus: ("queued" | "running" | "completed" | "failed" | "cancelled") | unknown;
        /** @description More of the model's text. */
        TextEvent: {
            /** @description The deltas of one step, joined, are the text of that model call. */
            delta: string;
            /** Format: int32 */
            step: number;
            taskId: string;
        };
        /** @description More of the reasoning that the model shows. */
        ThinkingEvent: {
            /**
             * Format: int32
             * @description The model call that it is of.
             */
            step: number;
            taskId: string;
            text: string;
        };
        /** @description Tokens, each counted once. */
        Tokens: {
            /** Format: int64 */
            cacheReadTokens: number;
            /** Format: int64 */
            cacheWriteTokens: number;
            /** @description The vendor did not say; counted by us. */
            estimated?: boolean;
            /**
             * Format: int64
             * @description Of prompts, neither read from a cache nor written to one.
             */
            inputTokens: number;
            /**
             * Format: int64
             * @description Everything that the model wrote, its reasoning included.
             */
            outputTokens: number;
            /**
             * Format: int64
             * @description How much of `outputTokens` was reasoning.
             */
            reasoningTokens: number;
        };
        /** @description Something that an agent can do. */
        Tool: {
            /** @description Every agent with a model has it, named or not. */
            always: boolean;
            builtIn: boolean;
            /** @description What it does, as models are told. */
            description: string;
            /** @description A JSON Schema of what it takes. */
            inputSchema: unknown;
            /** @description Whether it changes anything. */
            mutates: boolean;
            /** @example write_file */
            name: string;
            /** @description Whether it is done again after a crash, when what came of it is not known. */
            repeatable: boolean;
        };
        /** @description One call of a tool. */
        ToolCall: {
            /** Format: int64 */
            durationMs: number;
            /** @description The model's id of the call. */
            id: string;
            /** @description As the model gave it; a text where that is not JSON. */
            input: unknown;
            isError: boolean;
            /** @example web_search */
            name: string;
            /** @description What the model was told; an object where that is one as JSON. Absent until there is one. */
            output?: unknown;
        };
        /** @description The model asks for a tool. */
        ToolCallEvent: {
            /** @description The model's id of the call: the `tool_result` has the same. */
            id: string;
            /** @description As the model gave it; a text where that is not JSON. */
            input: Record<string, never>;
            /** Format: int32 */
            step: number;
            taskId: string;
            /** @example web_search */
            tool: string;
        };
        /** @description What came of it. */
        ToolResultEvent: {
            /** Format: int64 */
            durationMs: number;
            id: string;
            isError: boolean;
            /** @description What the model is told. */
            output: string;
            /** Format: int32 */
            step: number;
            taskId: string;
            tool: string;
        };
        /** @description What to change for one biller; an absent field stays as it is. */
        UpdateBiller: {
            /**
             * @description The biller's customer of each of these users; null: none any more. At most 250 at a time,
             *     and 1,000 in all: `stripeCustomerId` in the metadata of sessions knows no limit.
             * @example {
             *       "user_123": "cus_123"
             *     }
             */
            customers?: {
                [key: string]: string | null;
            };
            /** @description What the events of its meter are called. */
            eventName?: string;
            /** @description The meter's id, whose sums settle what is in doubt. */
            meterId?: string;
        };
        /** @description What to change of a definition: an absent field stays as it is, a given one is replaced whole. */
        UpdateDefinition: {
            approvals?: components["schemas"]["Approvals"];
            browser?: boolean;
            compute?: components["schemas"]["DefinitionCompute"];
            /** @description A hard cap on what an agent may cost. */
            costCap?: components["schemas"]["Money"];
            guardrails?: components["schemas"]["Guardrails"];
            instructions?: string;
            knowledge?: string[];
            metadata?: components["schemas"]["Metadata"];
            model?: components["schemas"]["Model"];
            secrets?: string[];
            /**
             * Format: int32
             * @description Seconds that a run may take.
             */
            timeout?: number;
            tools?: string[];
        };
        /** @description What to change; an absent field stays as it is. */
        UpdateSettings: {
            /** @description What usage is pushed to billers with. */
            billing?: components["schemas"]["Billing"];
            /** Format: int32 */
            billingDay?: number;
            compute?: components["schemas"]["Compute"];
            model?: components["schemas"]["Model"];
        };
        /** @description What a session has used so far, with what is running now. */
        Usage: {
            /**
             * Format: int32
             * @description Agents that have not ended.
             */
            activeAgents: number;
            /** Format: double */
            computeMinutes: number;
            cost: components["schemas"]["Money"];
        };
        /** @description Rows of usage records. */
        UsageRows: string;
        /** @description What was used in a period, and what it costs. */
        UsageSummary: {
            compute: components["schemas"]["ComputeSummary"];
            models: components["schemas"]["ModelSummary"];
            period: components["schemas"]["BillingPeriod"];
            storage: components["schemas"]["StorageSummary"];
            /** @description Of the three. */
            total: components["schemas"]["Money"];
        };
        /** @description What one of your users costs, in all sessions. */
        UserCost: {
            /**
             * Format: int64
             * @description That began in the period.
             */
            agents: number;
            cost: components["schemas"]["Money"];
            /**
             * Format: int64
             * @description That began in the period.
             */
            sessions: number;
            /** @example user_123 */
            userId: string;
        };
        /** @description A user that is no customer of the biller's. */
        UserWithoutCustomer: {
            /** Format: int64 */
            records: number;
            userId: string;
        };
        /** @description What a verification of the hash chain found. */
        Verification: {
            /** @description The first commit that differs. */
            broken?: components["schemas"]["Broken"];
            /**
             * Format: int64
             * @description Signed checkpoints that were compared.
             */
            checkpoints: number;
            /**
             * Format: int64
             * @description Commits that were found to be as they were written.
             */
            commits: number;
            /** @description The rolling hash of all of them, in hex. */
            hash: string;
            /** @description Whether everything is as it was written. */
            ok: boolean;
            /**
             * Format: int64
             * @description The last of them.
             */
            position: number;
        };
        VerifiedPeriod: {
            /** Format: date-time */
            from: string;
            /** Format: date-time */
            until: string;
        };
        /** @description What the webhooks of this org and mode are signed with. */
        WebhookSecret: {
            /**
             * @description For a library of Standard Webhooks, as it is.
             * @example whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
             */
            secret: string;
        };
        /** @description A file that was written. */
        WrittenFile: {
            /** @example /workspace/input.json */
            path: string;
            /**
             * Format: int64
             * @description Bytes.
             * @example 24
             */
            size: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    service_alive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceStatus"];
                };
            };
        };
    };
    service_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The metrics */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    service_ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It does */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ServiceStatus"];
                };
            };
        };
    };
    definition_list: {
        parameters: {
            query?: {
                /** @description With those that are archived. Default: false. */
                includeArchived?: boolean;
                /** @description 1 to 100; 25 when absent. */
                limit?: number;
                /** @description `nextCursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of definitions */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_AgentDefinition"];
                };
            };
        };
    };
    definition_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateDefinition"];
            };
        };
        responses: {
            /** @description The definition */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentDefinition"];
                };
            };
        };
    };
    definition_view: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `adef_…`, or a name */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The definition */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentDefinition"];
                };
            };
        };
    };
    definition_update: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `adef_…`, or a name */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateDefinition"];
            };
        };
        responses: {
            /** @description The definition */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentDefinition"];
                };
            };
        };
    };
    definition_archive: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `adef_…`, or a name */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is archived */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ok"];
                };
            };
        };
    };
    definition_versions: {
        parameters: {
            query?: {
                /** @description 1 to 100; 25 when absent. */
                limit?: number;
                /** @description `nextCursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description `adef_…`, or a name */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of versions */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_AgentDefinition"];
                };
            };
        };
    };
    agent_view: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The agent */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Agent"];
                };
            };
        };
    };
    agent_exec: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Exec"];
            };
        };
        responses: {
            /** @description How the code ended */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ExecResult"];
                };
            };
        };
    };
    file_read: {
        parameters: {
            query: {
                /**
                 * @description Absolute, below `/workspace`.
                 * @example /workspace/input.json
                 */
                path: string;
            };
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": components["schemas"]["RawBytes"];
                };
            };
        };
    };
    file_write: {
        parameters: {
            query: {
                /**
                 * @description Absolute, below `/workspace`.
                 * @example /workspace/input.json
                 */
                path: string;
            };
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": components["schemas"]["RawBytes"];
            };
        };
        responses: {
            /** @description The file is written */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WrittenFile"];
                };
            };
        };
    };
    file_delete: {
        parameters: {
            query: {
                /**
                 * @description Absolute, below `/workspace`.
                 * @example /workspace/input.json
                 */
                path: string;
            };
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ok"];
                };
            };
        };
    };
    file_list: {
        parameters: {
            query?: {
                /**
                 * @description Absolute. Default: `/workspace`.
                 * @example /workspace
                 */
                path?: string;
            };
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The entries */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_FileEntry"];
                };
            };
        };
    };
    agent_logs: {
        parameters: {
            query?: {
                /** @description How many to show, 1 to 100. Default: 25. */
                limit?: number;
                /** @description The `nextCursor` of the page before. */
                cursor?: string;
                /** @description Only entries of this level and those above it. Default: `info`, which is all of them. */
                level?: "info" | "warn" | "error";
            };
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of the log */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_AgentLogEntry"];
                };
            };
        };
    };
    agent_pause: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The paused agent, with its snapshot */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Agent"];
                };
            };
        };
    };
    port_list: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The exposed ports */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_Port"];
                };
            };
        };
    };
    port_expose: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ExposePort"];
            };
        };
        responses: {
            /** @description The port with its URLs */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Port"];
                };
            };
        };
    };
    port_close: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
                port: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is closed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ok"];
                };
            };
        };
    };
    agent_resume: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResumeAgent"];
            };
        };
        responses: {
            /** @description The agent, which can take work */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Agent"];
                };
            };
        };
    };
    agent_retry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is queued */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Submitted"];
                };
            };
        };
    };
    agent_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RunAgent"];
            };
        };
        responses: {
            /** @description It is queued */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Submitted"];
                };
            };
        };
    };
    agent_stream: {
        parameters: {
            query?: {
                /** @description `start`: with the resource's whole history. */
                from?: "start";
                /** @description The same as the header `Last-Event-ID`, for clients that cannot send it. */
                lastEventId?: string;
            };
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["StreamEvent"];
                };
            };
            /** @description There is nothing after `Last-Event-ID`, and never will be */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    agent_terminate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `agt_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is terminated */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ok"];
                };
            };
        };
    };
    api_key_list: {
        parameters: {
            query?: {
                /** @description 1 to 100; 25 when absent. */
                limit?: number;
                /** @description `nextCursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of keys */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_ApiKey"];
                };
            };
        };
    };
    api_key_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateApiKey"];
            };
        };
        responses: {
            /** @description The key, with its secret */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKey"];
                };
            };
        };
    };
    api_key_delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `key_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is revoked */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ok"];
                };
            };
        };
    };
    api_key_rotate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `key_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The key, with its new secret */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKey"];
                };
            };
        };
    };
    audit_events: {
        parameters: {
            query?: {
                /** @description An RFC 3339 time or a date: at this time or later. */
                from?: string;
                /** @description An RFC 3339 time or a date: before this time. */
                until?: string;
                /** @description Who caused it: `key:key_…`, `system:<part>` or `cli`. */
                actor?: string;
                /** @description An event's type: `session.created`. */
                type?: string;
                sessionId?: string;
                agentId?: string;
                taskId?: string;
                userId?: string;
                requestId?: string;
                /** @description 1 to 100; 25 when absent. */
                limit?: number;
                /** @description `nextCursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_Event"];
                };
            };
        };
    };
    audit_verify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Verification"];
                };
            };
        };
    };
    audit_state: {
        parameters: {
            query?: {
                /** @description An RFC 3339 time, a date, or a position in the log; now when absent. */
                at?: string;
            };
            header?: never;
            path: {
                /** @description What it is */
                kind: string;
                /** @description Its id, as `key` in its events */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its state then */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StateAsOf"];
                };
            };
        };
    };
    billing_export: {
        parameters: {
            query: {
                /**
                 * @description `csv`, `json` (a line for each record) or `stripe` (meter events, a line for each).
                 * @example csv
                 */
                format: string;
                /** @description A date, or an RFC 3339 time with its zone; the start of the billing period when absent. */
                from?: string;
                /**
                 * @description A date, whose day is included, or an RFC 3339 time with its zone; now when absent. At most
                 *     366 days after `from`.
                 */
                until?: string;
                /** @description A row's `position`: only what comes after that row. */
                after?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The rows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/csv": components["schemas"]["UsageRows"];
                    "application/x-ndjson": components["schemas"]["UsageRows"];
                };
            };
        };
    };
    export_list: {
        parameters: {
            query?: {
                /** @description How many to show, 1 to 100. Default: 25. */
                limit?: number;
                /** @description The `nextCursor` of the page before. */
                cursor?: string;
                /** @description Only those to this biller: `stripe` or `metronome`. */
                exporter?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of pushes */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_Export"];
                };
            };
        };
    };
    export_to_metronome: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StartExport"];
            };
        };
        responses: {
            /** @description It is under way */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedExport"];
                };
            };
        };
    };
    export_to_stripe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StartExport"];
            };
        };
        responses: {
            /** @description It is under way */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StartedExport"];
                };
            };
        };
    };
    export_view: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `exp_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The push */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Export"];
                };
            };
        };
    };
    export_records: {
        parameters: {
            query?: {
                /** @description How many to show, 1 to 100. Default: 25. */
                limit?: number;
                /** @description The `nextCursor` of the page before. */
                cursor?: string;
                /** @description Only those with this status. */
                status?: string;
                /** @description Only those with this code. */
                code?: string;
            };
            header?: never;
            path: {
                /** @description `exp_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of them */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_ExportedRecord"];
                };
            };
        };
    };
    billing_usage: {
        parameters: {
            query?: {
                /**
                 * @description The first day (`2025-05-01`, in UTC), or its midnight as an RFC 3339 time. At most 366 days
                 *     before the end.
                 * @example 2025-05-01
                 */
                from?: string;
                /**
                 * @description The last day, which counts as a whole, or a midnight as an RFC 3339 time, whose day does not
                 *     count. Now when absent, and for any time of today or later.
                 * @example 2025-05-06
                 */
                until?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The period */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BillingUsage"];
                };
            };
        };
    };
    billing_daily: {
        parameters: {
            query?: {
                /**
                 * @description The first day (`2025-05-01`, in UTC), or its midnight as an RFC 3339 time. At most 366 days
                 *     before the end.
                 * @example 2025-05-01
                 */
                from?: string;
                /**
                 * @description The last day, which counts as a whole, or a midnight as an RFC 3339 time, whose day does not
                 *     count. Now when absent, and for any time of today or later.
                 * @example 2025-05-06
                 */
                until?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The days */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Breakdown_DailyCost"];
                };
            };
        };
    };
    billing_models: {
        parameters: {
            query?: {
                /**
                 * @description The first day (`2025-05-01`, in UTC), or its midnight as an RFC 3339 time. At most 366 days
                 *     before the end.
                 * @example 2025-05-01
                 */
                from?: string;
                /**
                 * @description The last day, which counts as a whole, or a midnight as an RFC 3339 time, whose day does not
                 *     count. Now when absent, and for any time of today or later.
                 * @example 2025-05-06
                 */
                until?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The models */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Breakdown_ModelCost"];
                };
            };
        };
    };
    billing_users: {
        parameters: {
            query?: {
                /**
                 * @description As for the others.
                 * @example 2025-05-01
                 */
                from?: string;
                /**
                 * @description As for the others.
                 * @example 2025-05-06
                 */
                until?: string;
                /** @description 1 to 1000; 50 when absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The users */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Breakdown_UserCost"];
                };
            };
        };
    };
    billing_verify: {
        parameters: {
            query?: {
                /** @description A date, or an RFC 3339 time with its zone; the start of the billing period when absent. */
                from?: string;
                /**
                 * @description A date, whose day is included, or an RFC 3339 time with its zone; now when absent. At most
                 *     366 days after `from`.
                 */
                until?: string;
                /**
                 * @description Also compare with what Stripe says that it has of each customer. Stripe's key is the secret
                 *     `STRIPE_API_KEY`, the meter is `billing.stripe.meterId` of the settings.
                 */
                stripe?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BillVerification"];
                };
            };
        };
    };
    model_list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The models */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_KnownModel"];
                };
            };
        };
    };
    model_price_set: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its id, with `/` as `%2F` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SetPrice"];
            };
        };
        responses: {
            /** @description The model */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KnownModel"];
                };
            };
        };
    };
    provider_list: {
        parameters: {
            query?: {
                /** @description 1 to 100; 25 when absent. */
                limit?: number;
                /** @description `nextCursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of providers */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_Provider"];
                };
            };
        };
    };
    provider_configure: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConfigureProvider"];
            };
        };
        responses: {
            /** @description The provider */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Provider"];
                };
            };
        };
    };
    provider_remove: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `local`, `e2b`, … */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is removed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ok"];
                };
            };
        };
    };
    provider_check: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `local`, `e2b`, … */
                provider: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProviderCheck"];
                };
            };
        };
    };
    secret_list: {
        parameters: {
            query?: {
                /** @description Only the secrets of this session; all of the org's when absent. */
                sessionId?: string;
                /** @description 1 to 100; 25 when absent. */
                limit?: number;
                /** @description `nextCursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of secrets */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_Secret"];
                };
            };
        };
    };
    secret_set: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SetSecret"];
            };
        };
        responses: {
            /** @description The secret, without its value */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Secret"];
                };
            };
        };
    };
    secret_delete: {
        parameters: {
            query?: {
                /** @description The session whose secret it is; absent for the org's. */
                sessionId?: string;
            };
            header?: never;
            path: {
                /** @description Its name */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ok"];
                };
            };
        };
    };
    session_list: {
        parameters: {
            query?: {
                /** @description Only the sessions of this user. */
                userId?: string;
                status?: "active" | "paused" | "ended";
                /** @description 1 to 100; 25 when absent. */
                limit?: number;
                /** @description `nextCursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of sessions */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_Session"];
                };
            };
        };
    };
    session_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateSessionBody"];
            };
        };
        responses: {
            /** @description The session */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    session_for_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Your own name for the user */
                userId: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SessionOptions"];
            };
        };
        responses: {
            /** @description The session there was */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description A new session */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    session_view: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `ses_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    session_update: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `ses_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SessionOptions"];
            };
        };
        responses: {
            /** @description The session */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    agent_list: {
        parameters: {
            query?: {
                /** @description How many to show, 1 to 100. Default: 25. */
                limit?: number;
                /** @description The `nextCursor` of the page before. */
                cursor?: string;
                /** @description Only agents in this state. */
                state?: "provisioning" | "idle" | "running" | "paused" | "completed" | "failed" | "terminated";
            };
            header?: never;
            path: {
                /** @description `ses_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of agents */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_Agent"];
                };
            };
        };
    };
    agent_create: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `ses_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateAgent"];
            };
        };
        responses: {
            /** @description The agent */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Agent"];
                };
            };
        };
    };
    session_end: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `ses_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
        };
    };
    session_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `ses_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RunSession"];
            };
        };
        responses: {
            /** @description What the run came to */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RunResult"];
                };
            };
        };
    };
    task_list: {
        parameters: {
            query?: {
                /** @description Only tasks with this status. */
                status?: "queued" | "running" | "completed" | "failed" | "cancelled";
                /** @description 1 to 100; 25 when absent. */
                limit?: number;
                /** @description `nextCursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description `ses_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of tasks */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_Task"];
                };
            };
        };
    };
    task_submit: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `ses_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SubmitTask"];
            };
        };
        responses: {
            /** @description The task, queued */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
        };
    };
    task_view: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `ses_…` */
                id: string;
                /** @description `task_…` */
                taskId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The task */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
        };
    };
    task_artifact: {
        parameters: {
            query: {
                /**
                 * @description Absolute, below `/workspace`.
                 * @example /workspace/input.json
                 */
                path: string;
            };
            header?: never;
            path: {
                /** @description `ses_…` */
                id: string;
                /** @description `task_…` */
                taskId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": components["schemas"]["RawBytes"];
                };
            };
        };
    };
    task_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `ses_…` */
                id: string;
                /** @description `task_…` */
                taskId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The task, cancelled */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
        };
    };
    task_deliveries: {
        parameters: {
            query?: {
                /** @description 1 to 100; 25 when absent. */
                limit?: number;
                /** @description `nextCursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description `ses_…` */
                id: string;
                /** @description `task_…` */
                taskId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of deliveries */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_Delivery"];
                };
            };
        };
    };
    task_steps: {
        parameters: {
            query?: {
                /** @description 1 to 100; 25 when absent. */
                limit?: number;
                /** @description `nextCursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description `ses_…` */
                id: string;
                /** @description `task_…` */
                taskId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of steps */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_Step"];
                };
            };
        };
    };
    task_stream: {
        parameters: {
            query?: {
                /** @description `start`: with the resource's whole history. */
                from?: "start";
                /** @description The same as the header `Last-Event-ID`, for clients that cannot send it. */
                lastEventId?: string;
            };
            header?: never;
            path: {
                /** @description `ses_…` */
                id: string;
                /** @description `task_…` */
                taskId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": components["schemas"]["StreamEvent"];
                };
            };
            /** @description There is nothing after `Last-Event-ID`, and never will be */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    task_wait: {
        parameters: {
            query?: {
                /**
                 * @description `30s`, `5m`, or milliseconds (`1500`, `1500ms`); at most 10 minutes. Default: `30s`.
                 * @example 30s
                 */
                timeout?: string;
            };
            header?: never;
            path: {
                /** @description `ses_…` */
                id: string;
                /** @description `task_…` */
                taskId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The task: look at its status */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
        };
    };
    settings_view: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The settings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
        };
    };
    settings_update: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateSettings"];
            };
        };
        responses: {
            /** @description The settings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Settings"];
                };
            };
        };
    };
    webhook_secret: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The secret */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookSecret"];
                };
            };
        };
    };
    snapshot_list: {
        parameters: {
            query?: {
                /** @description How many to show, 1 to 100. Default: 25. */
                limit?: number;
                /** @description The `nextCursor` of the page before. */
                cursor?: string;
                /** @description Only snapshots of this session's agents. */
                sessionId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of snapshots */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_Snapshot"];
                };
            };
        };
    };
    snapshot_delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `snp_…` */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is deleted */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ok"];
                };
            };
        };
    };
    tool_list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The tools */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageBody_Tool"];
                };
            };
        };
    };
    tool_view: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description `write_file`, … */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The tool */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tool"];
                };
            };
        };
    };
    usage_summary: {
        parameters: {
            query?: {
                /**
                 * @description The first day (`2025-05-01`, in UTC), or its midnight as an RFC 3339 time. At most 366 days
                 *     before the end.
                 * @example 2025-05-01
                 */
                from?: string;
                /**
                 * @description The last day, which counts as a whole, or a midnight as an RFC 3339 time, whose day does not
                 *     count. Now when absent, and for any time of today or later.
                 * @example 2025-05-06
                 */
                until?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Compute, models and storage */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UsageSummary"];
                };
            };
        };
    };
}
