"""Which class transformers makes of a model's tokenizer: by model type and by what its settings declare.

The tables follow `transformers.models.auto.tokenization_auto` of 5.23; a test compares them with it.
"""

from __future__ import annotations

AS_FILED = "TokenizersBackend"
"""The class that takes tokenizer.json as it is."""


def class_name(model_type: str, declared: str | None, *, is_byte_level: bool, has_own_code: bool) -> str:
    """Return the name of the class that the trainer's library takes, without "Fast" at its end.

    `declared` is what the tokenizer's settings name, `has_own_code` that they point to code of the
    model's own, which is not run.
    """
    declared = declared.removesuffix("Fast") if declared else None
    registered = _REGISTERED.get(model_type)
    if declared is None:
        return registered or AS_FILED
    is_misnamed = model_type in _MISNAMED
    if declared == "LlamaTokenizer" and is_byte_level and not is_misnamed and not has_own_code:
        return AS_FILED
    if registered is None or registered == declared or has_own_code:
        return declared
    if registered == AS_FILED:
        return AS_FILED
    return registered if is_misnamed else declared


_CLASSES = {
    AS_FILED: """beam bigbird_pegasus ernie4_5 ernie4_5_moe flex_olmo fuyu glm glm4 glm4_moe glm4_moe_lite
        got_ocr2 gpt_bigcode granite granitemoe granitemoehybrid granitemoeshared hyperclovax internlm2
        internlm3 iquestcoder jamba kimi_linear mimo_v2_flash minicpm3 minimax_m2 ministral ministral3 mistral
        mistral3 mixtral modernbert-decoder nemotron olmo2 olmo3 olmo_hybrid persimmon phi3 phimoe pixtral
        stablelm xlm-roberta-xl""",
    "GPT2Tokenizer": "codegen dbrx emu3 gpt2 gpt_neo gptj jais2 opt phi starcoder2",
    "CohereTokenizer": "cohere cohere2",
    "Qwen2Tokenizer": """dots3_note moss_transcribe_diarize qwen2 qwen2_5_vl qwen2_moe qwen2_vl qwen3
        qwen3_moe qwen3_next qwen3_vl qwen3_vl_moe""",
    "Qwen3_5Tokenizer": "qwen3_5 qwen3_5_moe qwen3_5_moe_text qwen3_5_text qwen4_exp",
    "GPTNeoXTokenizer": "falcon_mamba gpt_neox mamba mamba2 mpt olmo olmoe rwkv xlstm",
    "GemmaTokenizer": "gemma gemma2 gemma3 gemma3_text gemma3n gemma3n_text recurrent_gemma zaya",
    "XGLMTokenizer": "xglm",
    "OpenAIGPTTokenizer": "openai-gpt",
    "CodeLlamaTokenizer": "code_llama",
    "BioGptTokenizer": "biogpt",
    "GPTNeoXJapaneseTokenizer": "gpt_neox_japanese",
    "CTRLTokenizer": "ctrl",
}
"""Class → the model types of language models that have it; for another type the settings decide."""

_REGISTERED = {model_type: name for name, types in _CLASSES.items() for model_type in types.split()}

_MISNAMED_TYPES = """arctic chatlm ernie4_5 ernie4_5_moe fuyu h2ovl_chat hyperclovax hyperclovax_vlm
    hyperclovax_vision_v2 internlm2 internlm3 iquestcoder jamba llava llava_next minicpm3 minicpmv minimax_m2
    modernbert modernbert-decoder molmo molmo2 nemotron nvfp4 opencua openvla paddleocr_vl phi3 phi3_v phimoe
    qwen2 qwen3_5 qwen3_5_moe qwen3_5_moe_text qwen4_exp step3_vl vipllava cohere_asr camembertv2-base siglip2
    smolvlm"""
_MISNAMED = frozenset(_MISNAMED_TYPES.split())
"""Model types whose published settings name a wrong class: the registered one is taken."""

_UNSUPPORTED = """
    Albert Bart Barthez Bartpho Bert BertGeneration BertJapanese Bertweet BigBird BioGpt Blenderbot
    BlenderbotSmall ByT5 Camembert Canine CLIP Clvp CodeLlama Cpm CpmAnt CTRL Deberta DebertaV2 Dia
    DistilBert DPRContextEncoder DPRQuestionEncoder DPRReader Esm Esmc FastSpeech2Conformer Flaubert
    FSMT Funnel GPTNeoXJapanese GPTSw3 Herbert Lasr LayoutLMv2 LayoutLMv3 LayoutXLM LED Luke Lxmert
    M2M100 Marian MarkupLM MBart MBart50 Mgpstr MLuke MobileBert MPNet Mvp MyT5 Nllb Nougat
    OpenAIGPT Pegasus Perceiver Phobert PLBart Pop2Piano ProphetNet Rag Reformer RemBert Roberta
    RoCBert RoFormer SeamlessM4T Siglip Siglip2 Speech2Text SpeechT5 Splinter SqueezeBert T5 Tapas
    Tipsv2 Udop VideoPrism Vits Wav2Vec2CTC Wav2Vec2PhonemeCTC Whisper XGLM XLM XLMRoberta XLNet"""
UNSUPPORTED = frozenset(f"{name}Tokenizer" for name in _UNSUPPORTED.split())
"""Classes that build their tokenizer themselves in ways that are not repeated here."""
