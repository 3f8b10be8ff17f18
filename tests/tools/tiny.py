"""Models of a few thousand random weights with seven words, saved to a folder as any other is. They know nothing."""

from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "joy", "grief", "the")
LONGEST = 16
SHAPE = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}


def config(**more: object) -> transformers.BertConfig:
    return transformers.BertConfig(vocab_size=len(WORDS), max_position_embeddings=LONGEST, **SHAPE, **more)


def tokenizer() -> transformers.PreTrainedTokenizerFast:
    words = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=LONGEST, **names)


def saved(model: transformers.PreTrainedModel, folder: Path) -> str:
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return str(folder)


def classifier(folder: Path, seed: int = 1) -> str:
    """Two labels; its last layer is made to tell `joy` from `grief`, so that a test sees which text got which score."""
    torch.manual_seed(seed)
    names = {0: "sad", 1: "glad"}
    model = transformers.BertForSequenceClassification(config(id2label=names, label2id={"sad": 0, "glad": 1}))
    with torch.no_grad():
        pooled = [_pooled(model, word) for word in ("grief", "joy")]
        apart = pooled[1] - pooled[0]
        middle = (pooled[0] + pooled[1]) / 2
        model.classifier.weight.copy_(torch.stack([-apart, apart]) * 1e6)
        model.classifier.bias.copy_(-model.classifier.weight @ middle)
    return saved(model, folder)


def _pooled(model: transformers.BertForSequenceClassification, word: str) -> torch.Tensor:
    model.eval()
    return model.bert(**tokenizer()(word, return_tensors="pt")).pooler_output[0]


def encoder(folder: Path, seed: int = 1) -> str:
    torch.manual_seed(seed)
    model = transformers.BertModel(config())
    with torch.no_grad():
        model.embeddings.word_embeddings.weight.mul_(50)  # words lie apart
    return saved(model, folder)
