"""Pitfall 5.8: nothing outside of the graph's own bytes and ONNX's own operators."""

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from modelyard_runtime.serving.graph import MAX_NODES, UnsupportedGraphError, inspect_graph


def model(nodes, initializers=(), domains=("", "ai.onnx.ml")) -> onnx.ModelProto:
    tensor = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])
    made = helper.make_graph(nodes, "g", [tensor], [result], list(initializers))
    imports = [helper.make_opsetid(domain, 18) for domain in domains]
    return helper.make_model(made, opset_imports=imports)


def node(operator="Identity", **more):
    return helper.make_node(operator, ["x"], ["y"], **more)


def external(name="w"):
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return tensor


def refused(made: onnx.ModelProto, message: str) -> None:
    with pytest.raises(UnsupportedGraphError, match=message):
        inspect_graph(made.SerializeToString())


def test_a_graph_that_training_makes_passes(binary_graph, regression_graph):
    inspect_graph(binary_graph)
    inspect_graph(regression_graph)


def test_a_column_that_is_called_location_passes():
    inspect_graph(model([node(doc_string="location")]).SerializeToString())


def test_external_data_is_refused_wherever_it_hides():
    message = "files outside of itself"
    refused(model([node()], [external()]), message)
    refused(model([node("Constant", value=external())]), message)
    attribute = onnx.AttributeProto(name="v", type=onnx.AttributeProto.TENSORS)
    attribute.tensors.append(external())
    several = node()
    several.attribute.append(attribute)
    refused(model([several]), message)
    sparse = model([node()])
    sparse.graph.sparse_initializer.add().values.CopyFrom(external())
    refused(sparse, message)


def test_operators_of_other_domains_are_refused():
    refused(model([node()], domains=["", "evil"]), "domain 'evil'")
    refused(model([node(domain="com.example")]), "domain 'com.example'")


@pytest.mark.parametrize("operator", ["If", "Loop", "Scan"])
def test_graphs_within_graphs_are_refused(operator):
    refused(model([node(operator)]), f"operator {operator}")


def test_functions_of_its_own_are_refused():
    made = model([node()])
    made.functions.add(name="f", domain="d")
    refused(made, "functions")


def test_too_many_nodes_are_refused():
    refused(model([node()] * (MAX_NODES + 1)), "more than")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04zip", b"\x80\x04pickle", b"\xff" * 100])
def test_other_bytes_are_refused(content):
    with pytest.raises(UnsupportedGraphError):
        inspect_graph(content)


@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_being_refused(content):
    try:
        inspect_graph(content)
    except UnsupportedGraphError:
        return


def test_a_truncated_graph_is_refused(binary_graph):
    with pytest.raises(UnsupportedGraphError):
        inspect_graph(binary_graph[:-10])
