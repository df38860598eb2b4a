//! How gateways deviate from OpenAI's Chat Completions.

/// For [`super::Reply::quirk`]. Each was seen at the gateways it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// Streamed tool calls have no `index` (Ollama).
    NoIndex,
    /// Every streamed tool call has index 0 (Ollama).
    IndexZero,
    /// Tool calls have no `id` (vLLM, LiteLLM).
    NoCallId,
    /// Tool calls have no `type` (vLLM).
    NoCallType,
    /// The whole answer is one chunk (Ollama, when tools are set).
    OneChunk,
    /// `: OPENROUTER PROCESSING` between the events (OpenRouter).
    Comments,
    /// There is never a usage, even when asked for (SGLang).
    NoUsage,
    /// `usage: null` in its own chunk at the end (SGLang).
    NullUsage,
    /// A usage in every chunk, growing (vLLM).
    UsageInEveryChunk,
    /// The stream ends without `[DONE]`.
    NoDone,
    /// Errors have a number as their code (OpenRouter).
    NumericErrorCode,
    /// Thoughts come, as `reasoning_content` (DeepSeek, vLLM). OpenAI never shows them here.
    ReasoningContent,
    /// Thoughts come, as `reasoning` (OpenRouter).
    Reasoning,
    /// `usage.cost` is 0.0123 dollars (OpenRouter).
    Cost,
    /// Windows line ends in the event stream.
    CrLf,
}
