"""Models of others at toy size: the real classes, random weights, saved as users have them."""

from __future__ import annotations

import json
import string
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from transformers import (
    CLIPSegConfig,
    CLIPSegForImageSegmentation,
    Sam2Config,
    Sam2HieraDetConfig,
    Sam2MaskDecoderConfig,
    Sam2Model,
    Sam2PromptEncoderConfig,
    Sam2VideoConfig,
    Sam2VideoModel,
    Sam2VisionConfig,
    VitPoseBackboneConfig,
    VitPoseConfig,
    VitPoseForPoseEstimation,
)


def save_vitpose(folder: Path, *, keypoints: int = 17, experts: int = 1) -> Path:
    """A ViTPose of two layers, 64x48 input, 16x12 heat maps."""
    torch.manual_seed(1)
    backbone = VitPoseBackboneConfig(
        image_size=(64, 48), patch_size=(16, 16), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        out_indices=[2], num_experts=experts, part_features=4,
    )  # fmt: skip
    VitPoseForPoseEstimation(VitPoseConfig(backbone_config=backbone, num_labels=keypoints)).save_pretrained(folder)
    return folder


def save_sam2(folder: Path) -> Path:
    """A SAM 2 of five blocks, 64x64 input, 16x16 masks."""
    torch.manual_seed(2)
    backbone = Sam2HieraDetConfig(
        hidden_size=8, image_size=[64, 64], blocks_per_stage=[1, 2, 1, 1], embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 1, 1, 1], window_size_per_stage=[8, 4, 4, 2], global_attention_blocks=[2],
        window_positional_embedding_background_size=[4, 4],
    )  # fmt: skip
    vision = Sam2VisionConfig(
        backbone_config=backbone, backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]], fpn_hidden_size=32,
    )  # fmt: skip
    decoder = Sam2MaskDecoderConfig(
        hidden_size=32, mlp_dim=32, num_attention_heads=2, iou_head_hidden_dim=16, iou_head_depth=2
    )
    prompts = Sam2PromptEncoderConfig(hidden_size=32, image_size=64, patch_size=16)
    config = Sam2Config(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder)
    Sam2Model(config).save_pretrained(folder)
    return folder


def save_sam2_video(folder: Path) -> Path:
    """The same as part of a model of videos, which is how SAM 2.1 is published."""
    torch.manual_seed(4)
    parts = Sam2Config.from_pretrained(save_sam2(folder / "pictures")).to_dict()
    config = Sam2VideoConfig(
        vision_config=parts["vision_config"], prompt_encoder_config=parts["prompt_encoder_config"],
        mask_decoder_config=parts["mask_decoder_config"], image_size=64, memory_attention_hidden_size=32,
        memory_attention_num_layers=1, memory_attention_feed_forward_hidden_size=32, memory_encoder_hidden_size=32,
        memory_encoder_output_channels=16, mask_downsampler_embed_dim=32, memory_fuser_embed_dim=32,
        memory_fuser_intermediate_dim=32,
    )  # fmt: skip
    Sam2VideoModel(config).save_pretrained(folder)
    return folder


def save_clipseg(folder: Path) -> Path:
    """A CLIPSeg of three layers, and a tokenizer that spells, in the files of the published one."""
    torch.manual_seed(3)
    pieces = [*string.ascii_lowercase, *(letter + "</w>" for letter in string.ascii_lowercase)]
    vocabulary = {piece: index for index, piece in enumerate([*pieces, "<|startoftext|>", "<|endoftext|>"])}
    start, end = len(pieces), len(pieces) + 1
    config = CLIPSegConfig(
        text_config={
            "vocab_size": len(vocabulary), "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "max_position_embeddings": 77, "bos_token_id": start, "eos_token_id": end,
        },
        vision_config={
            "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2,
            "image_size": 32, "patch_size": 16,
        },
        projection_dim=8, reduce_dim=8, extract_layers=[0, 1, 2], decoder_num_attention_heads=2,
        decoder_intermediate_size=16, use_complex_transposed_convolution=True, initializer_factor=8.0,
    )  # fmt: skip
    CLIPSegForImageSegmentation(config).save_pretrained(folder)
    special = {
        "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
    }  # fmt: skip
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    (folder / "tokenizer_config.json").write_text(json.dumps({**special, "tokenizer_class": "CLIPTokenizer"}))
    return folder


def save_rtmpose(file: Path, *, keypoints: int = 17) -> Path:
    """Input and outputs of RTMPose 256x192; every keypoint lies where the first channel is strongest."""
    nodes = [helper.make_node("Gather", ["input", "first"], ["red"], axis=1)]
    constants = [numpy_helper.from_array(np.array([0], np.int64), "first")]
    for name, axis, size in (("x", 2, 192), ("y", 3, 256)):
        # Two responses per pixel: the split ratio of SimCC.
        twice = np.repeat(np.arange(size, dtype=np.int64), 2)
        constants.append(numpy_helper.from_array(twice, f"twice_{name}"))
        nodes += [
            helper.make_node("ReduceMax", ["red"], [f"profile_{name}"], axes=[axis], keepdims=0),
            helper.make_node("Gather", [f"profile_{name}", f"twice_{name}"], [f"one_{name}"], axis=2),
            helper.make_node("Concat", [f"one_{name}"] * keypoints, [f"simcc_{name}"], axis=1),
        ]
    graph = helper.make_graph(
        nodes,
        "rtmpose",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, 256, 192])],
        [
            helper.make_tensor_value_info("simcc_x", TensorProto.FLOAT, ["batch", keypoints, 384]),
            helper.make_tensor_value_info("simcc_y", TensorProto.FLOAT, ["batch", keypoints, 512]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(file))
    return file
